"""A tiny HunyuanDiT."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import POOLED, WORD, all_words, latents, words

TEXT, TEXT_T5 = 3, 2
"""Tokens of the two texts, which a model has once and for all: it learns a padding for each place."""


def _build() -> Any:
    from diffusers import HunyuanDiT2DModel

    return HunyuanDiT2DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=4,
        patch_size=2,
        activation_fn="gelu-approximate",
        sample_size=16,
        hidden_size=32,
        num_layers=4,  # the least with a skip from one block to another
        learn_sigma=False,
        cross_attention_dim=WORD,
        cross_attention_dim_t5=8,
        pooled_projection_dim=POOLED,
        text_len=TEXT,
        text_len_t5=TEXT_T5,
        use_style_cond_and_image_meta_size=False,
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    from diffusers.models.embeddings import get_2d_rotary_pos_embed

    h, w = grid
    return {
        "encoder_hidden_states": words(generator, batch, TEXT),
        "text_embedding_mask": all_words(batch, TEXT),
        "encoder_hidden_states_t5": words(generator, batch, TEXT_T5, 8),
        "text_embedding_mask_t5": all_words(batch, TEXT_T5),
        "image_rotary_emb": get_2d_rotary_pos_embed(16, ((0, 0), (h, w)), (h, w), output_type="pt"),
    }


HOSTS = (Host("hunyuan-dit", _build, latents(4), _conditions, lambda time: 999 * time, text=TEXT + TEXT_T5),)
