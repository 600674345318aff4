"""A tiny Flux."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import AXES, KEYS, POOLED, SIZE, WORD, packed, pooled, prompt_and_ids


def _build() -> Any:
    from diffusers import FluxTransformer2DModel

    return FluxTransformer2DModel(
        in_channels=4,
        num_single_layers=2,
        joint_attention_dim=WORD,
        pooled_projection_dim=POOLED,
        axes_dims_rope=AXES,
        **SIZE,
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    made = prompt_and_ids(generator, batch, grid, text)
    return {**made, "pooled_projections": pooled(generator, batch)}


HOSTS = (Host("flux", _build, packed(4), _conditions, float, keys=KEYS),)
