"""Cosmos."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.clips import FRAMES, latents, prompt
from tokred_adapters.tiny.making import KEYS


def _cosmos(**kwargs: Any) -> Any:
    from diffusers import CosmosTransformer3DModel

    return CosmosTransformer3DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=3,
        attention_head_dim=12,
        num_layers=2,
        mlp_ratio=2,
        text_embed_dim=16,
        adaln_lora_dim=4,
        max_size=(4, 16, 16),
        **kwargs,
    )


def _padded(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    padding = torch.zeros(1, 1, grid[1] * 2, grid[2] * 2)
    return {**prompt(generator, batch, grid, text), "padding_mask": padding, "fps": 24}


HOSTS = (
    Host("cosmos", _cosmos, latents(), _padded, float, keys=KEYS, **FRAMES),
    Host("cosmos2", lambda: _cosmos(extra_pos_embed_type=None), latents(), _padded, float, keys=KEYS, **FRAMES),
)
