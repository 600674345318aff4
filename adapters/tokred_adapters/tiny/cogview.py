"""Tiny models of CogView 3 Plus and CogView 4."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import KEYS, SIZE, WORD, latents, prompt, sizes, thousandths

SHARED = {
    "in_channels": 4,
    "out_channels": 4,
    "text_embed_dim": WORD,
    "time_embed_dim": 16,
    "condition_dim": 8,
    "sample_size": 16,
    **SIZE,
}


def _build_3() -> Any:
    from diffusers import CogView3PlusTransformer2DModel

    return CogView3PlusTransformer2DModel(pos_embed_max_size=12, **SHARED)


def _build_4() -> Any:
    from diffusers import CogView4Transformer2DModel

    return CogView4Transformer2DModel(rope_axes_dim=(8, 8), **SHARED)


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    told = sizes(batch, grid, ("original_size", "target_size", "crop_coords"))
    return {**prompt(generator, batch, grid, text), **told}


COGVIEW3_PLUS = (Host("cogview3-plus", _build_3, latents(4), _conditions, thousandths, keys=KEYS),)
COGVIEW4 = (Host("cogview4", _build_4, latents(4), _conditions, thousandths),)
HOSTS = COGVIEW3_PLUS + COGVIEW4
