"""A tiny Flux.3, without and with a picture to edit."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import KEYS, SIZE, WORD, packed, positions, prompt


def _build() -> Any:
    from diffusers import Flux3Transformer2DModel

    return Flux3Transformer2DModel(
        in_channels=4,
        cond_in_channels=4,
        num_single_layers=2,
        joint_attention_dim=WORD,
        timestep_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
        **SIZE,
    )


def _ids(grid: Grid, first: int = 0) -> torch.Tensor:
    return torch.nn.functional.pad(positions(grid, first), (0, 1))


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    places = torch.nn.functional.pad(torch.arange(text).float()[:, None], (3, 0))
    return {**prompt(generator, batch, grid, text), "img_ids": _ids(grid), "txt_ids": places}


def _edit(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    given = torch.randn(batch, 6, 4, generator=generator)
    edit = {"image_cond_hidden_states": given, "image_cond_ids": _ids((2, 3), 10)}
    return _conditions(generator, batch, grid, text) | edit


HOSTS = (
    Host("flux3", _build, packed(4), _conditions, float, keys=KEYS),
    Host("flux3-edit", _build, packed(4), _edit, float, keys=KEYS),
)
