"""A tiny Krea 2."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import AXES, KEYS, SIZE, WORD, packed, positions

LAYERS = 3
"""Of the text encoder, whose states come stacked."""


def _build() -> Any:
    from diffusers import Krea2Transformer2DModel

    return Krea2Transformer2DModel(
        in_channels=4,
        num_key_value_heads=1,
        intermediate_size=64,
        timestep_embed_dim=16,
        text_hidden_dim=WORD,
        num_text_layers=LAYERS,
        text_num_attention_heads=2,
        text_num_key_value_heads=2,
        text_intermediate_size=24,
        num_layerwise_text_blocks=1,
        num_refiner_text_blocks=1,
        axes_dims_rope=AXES,
        **SIZE,
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    states = torch.randn(batch, text, LAYERS, WORD, generator=generator)
    ids = torch.cat([torch.zeros(text, 3), positions(grid)])
    return {"encoder_hidden_states": states, "position_ids": ids}


HOSTS = (Host("krea2", _build, packed(4), _conditions, float, keys=KEYS),)
