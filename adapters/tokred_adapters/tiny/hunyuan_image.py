"""A tiny HunyuanImage 2.1."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import SIZE, WORD, latents, masked_prompt


def _build() -> Any:
    from diffusers import HunyuanImageTransformer2DModel

    return HunyuanImageTransformer2DModel(
        in_channels=4,
        out_channels=4,
        num_single_layers=2,
        num_refiner_layers=1,
        text_embed_dim=WORD,
        rope_axes_dim=(8, 8),
        **SIZE,
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """The last text token is padding."""
    made = masked_prompt(generator, batch, grid, text)
    made["encoder_attention_mask"][:, text - 1] = False
    return made


HOSTS = (Host("hunyuan-image", _build, latents(4, 1), _conditions, lambda time: 999 * time),)
