"""A tiny Lumina-Next."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import WORD, all_words, latents, words


def _build() -> Any:
    from diffusers import LuminaNextDiT2DModel

    return LuminaNextDiT2DModel(
        sample_size=16,
        in_channels=4,
        hidden_size=32,
        num_layers=2,
        num_attention_heads=2,
        num_kv_heads=1,
        multiple_of=16,
        learn_sigma=False,
        cross_attention_dim=WORD,
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    from diffusers.models.embeddings import get_2d_rotary_pos_embed_lumina

    return {
        "encoder_hidden_states": words(generator, batch, text),
        "encoder_mask": all_words(batch, text),
        "image_rotary_emb": get_2d_rotary_pos_embed_lumina(16, 16, 16),
        "cross_attention_kwargs": {},
    }


HOSTS = (Host("lumina-next", _build, latents(4), _conditions, float),)
