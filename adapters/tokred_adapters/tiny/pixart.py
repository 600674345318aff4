"""A tiny PixArt."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import KEYS, SIZE, WORD, latents, prompt, thousandths


def _build() -> Any:
    from diffusers import PixArtTransformer2DModel

    return PixArtTransformer2DModel(
        in_channels=4,
        out_channels=4,
        cross_attention_dim=32,
        sample_size=16,
        patch_size=2,
        caption_channels=WORD,
        use_additional_conditions=False,
        **SIZE,
    )


def _caption(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    mask = torch.ones(batch, text)
    mask[:, -2:] = 0  # padding
    size = {"resolution": None, "aspect_ratio": None}
    return {
        **prompt(generator, batch, grid, text),
        "encoder_attention_mask": mask,
        "added_cond_kwargs": size,
    }


HOSTS = (Host("pixart", _build, latents(4), _caption, thousandths, keys=KEYS),)
