"""A tiny GLM-Image."""

from __future__ import annotations

import math
from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import SIZE, WORD, latents, prompt, sizes, thousandths

CODES = 9


def _build() -> Any:
    from diffusers import GlmImageTransformer2DModel

    return GlmImageTransformer2DModel(
        in_channels=4,
        out_channels=4,
        text_embed_dim=WORD,
        time_embed_dim=16,
        condition_dim=8,
        prior_vq_quantizer_codebook_size=CODES,
        **SIZE,
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    shape = (batch, math.prod(grid))
    return {
        **prompt(generator, batch, grid, text),
        **sizes(batch, grid, ("target_size", "crop_coords")),
        "prior_token_id": torch.randint(CODES, shape, generator=generator),
        "prior_token_drop": torch.zeros(shape, dtype=torch.bool),
    }


HOSTS = (Host("glm-image", _build, latents(4), _conditions, thousandths),)
