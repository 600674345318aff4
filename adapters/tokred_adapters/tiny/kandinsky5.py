"""A tiny Kandinsky 5, drawing one frame."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import AXES, POOLED, WORD, pooled_prompt


def _build() -> Any:
    from diffusers import Kandinsky5Transformer3DModel

    return Kandinsky5Transformer3DModel(
        in_visual_dim=4,
        out_visual_dim=4,
        in_text_dim=WORD,
        in_text_dim2=POOLED,
        time_dim=16,
        model_dim=32,
        ff_dim=64,
        num_text_blocks=1,
        num_visual_blocks=2,
        axes_dims=AXES,
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {
        **pooled_prompt(generator, batch, grid, text),
        "visual_rope_pos": [torch.arange(side) for side in (1, *grid)],
        "text_rope_pos": torch.arange(text),
    }


def _call(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Call the model, which returns a bare tensor."""
    made: torch.Tensor = model(**arguments, timestep=moment, return_dict=False)
    return made


HOSTS = (
    Host(
        "kandinsky5",
        _build,
        lambda batch, grid: (batch, 1, 2 * grid[0], 2 * grid[1], 4),
        _conditions,
        lambda time: 999 * time,
        call_model=_call,
        rounded=torch.bfloat16,  # queries and keys, when they are rotated
    ),
)
