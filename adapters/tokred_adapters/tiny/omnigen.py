"""A tiny OmniGen, from text alone."""

from __future__ import annotations

import math
from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import latents

VOCABULARY = 11


def _build() -> Any:
    from diffusers import OmniGenTransformer2DModel

    factors = [1.0] * 8
    return OmniGenTransformer2DModel(
        in_channels=4,
        hidden_size=32,
        num_attention_heads=2,
        num_key_value_heads=2,
        intermediate_size=64,
        num_layers=2,
        pad_token_id=0,
        vocab_size=VOCABULARY,
        max_position_embeddings=512,
        original_max_position_embeddings=512,
        rope_scaling={"short_factor": factors, "long_factor": factors},
        pos_embed_max_size=12,
        time_step_dim=16,
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """The text is read from left to right; time and image see everything."""
    length = text + 1 + math.prod(grid)
    mask = torch.ones(batch, length, length)
    mask[:, : text + 1] = mask[:, : text + 1].tril()
    return {
        "input_ids": torch.randint(1, VOCABULARY, (batch, text), generator=generator),
        "input_img_latents": [],
        "input_image_sizes": {},
        "attention_mask": mask,
        "position_ids": torch.arange(length).expand(batch, -1),
    }


HOSTS = (Host("omnigen", _build, latents(4), _conditions, float),)
