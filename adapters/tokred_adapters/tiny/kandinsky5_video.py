"""Kandinsky 5 for video, whose latents have their channels last."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tokred.testing import Grid, Host
from tokred_adapters.tiny.clips import FRAMES
from tokred_adapters.tiny.making import thousandths


def _kandinsky5() -> Any:
    from diffusers import Kandinsky5Transformer3DModel

    return Kandinsky5Transformer3DModel(
        in_visual_dim=4,
        in_text_dim=16,
        in_text_dim2=10,
        time_dim=8,
        out_visual_dim=4,
        model_dim=24,
        ff_dim=32,
        num_text_blocks=1,
        num_visual_blocks=2,
        axes_dims=(4, 4, 4),
    )


def _latents(batch: int, grid: Grid) -> tuple[int, ...]:
    return batch, grid[0], grid[1] * 2, grid[2] * 2, 4


def _prompt(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {
        "encoder_hidden_states": torch.randn(batch, text, 16, generator=generator),
        "pooled_projections": torch.randn(batch, 10, generator=generator),
        "visual_rope_pos": [torch.arange(side) for side in grid],
        "text_rope_pos": torch.arange(text),
    }


def _call(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Call the model as its pipeline does."""
    output: torch.Tensor = model(**arguments, timestep=moment, return_dict=True).sample
    return output


HOSTS = (Host("kandinsky5-video", _kandinsky5, _latents, _prompt, thousandths, call_model=_call, **FRAMES),)
