"""A tiny ERNIE-Image."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import AXES, WORD, latents, thousandths, words


def _build() -> Any:
    from diffusers import ErnieImageTransformer2DModel

    return ErnieImageTransformer2DModel(
        hidden_size=32,
        num_attention_heads=2,
        num_layers=2,
        ffn_hidden_size=64,
        in_channels=4,
        out_channels=4,
        patch_size=1,
        text_in_dim=WORD,
        rope_axes_dim=AXES,
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {"text_bth": words(generator, batch, text), "text_lens": torch.full((batch,), text)}


HOSTS = (Host("ernie-image", _build, latents(4, 1), _conditions, thousandths),)
