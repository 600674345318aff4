"""A tiny Flux.2."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import SIZE, WORD, packed, positions, prompt


def _build() -> Any:
    from diffusers import Flux2Transformer2DModel

    return Flux2Transformer2DModel(
        in_channels=4,
        num_single_layers=2,
        joint_attention_dim=WORD,
        timestep_guidance_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
        **SIZE,
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    ids = torch.nn.functional.pad(positions(grid), (0, 1))
    places = torch.nn.functional.pad(torch.arange(text).float()[:, None], (3, 0))
    return {
        **prompt(generator, batch, grid, text),
        "img_ids": ids.expand(batch, -1, -1),
        "txt_ids": places.expand(batch, -1, -1),
        "guidance": torch.full((batch,), 4.0),
    }


HOSTS = (Host("flux2", _build, packed(4), _conditions, float),)
