"""A tiny Ideogram 4."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from tokred.testing import Grid, Host, call_transformer
from tokred_adapters.tiny.making import SIZE, WORD, packed, positions, words

IMAGE, TEXT = 2, 3
"""Marks of tokens."""


def _build() -> Any:
    from diffusers import Ideogram4Transformer2DModel

    return Ideogram4Transformer2DModel(
        in_channels=4,
        intermediate_size=64,
        adaln_dim=16,
        llm_features_dim=WORD,
        mrope_section=(4, 2, 2),
        **SIZE,
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    tokens = math.prod(grid)
    places = torch.cat([torch.arange(text)[:, None].expand(-1, 3), positions(grid).long() + 65536])
    marks = torch.tensor([TEXT] * text + [IMAGE] * tokens)
    states = torch.cat([words(generator, batch, text), torch.zeros(batch, tokens, WORD)], dim=1)
    return {
        "encoder_hidden_states": states,
        "position_ids": places.expand(batch, -1, -1),
        "segment_ids": torch.ones(batch, text + tokens, dtype=torch.long),
        "indicator": marks.expand(batch, -1),
    }


def _call(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Put empty rows where the text stands, and leave its rows out of what comes back, as the pipeline does."""
    latents = arguments["hidden_states"]
    text = arguments["indicator"].shape[1] - latents.shape[1]
    padded = nn.functional.pad(latents, (0, 0, text, 0))
    return call_transformer(model, arguments | {"hidden_states": padded}, moment)[:, text:]


HOSTS = (Host("ideogram4", _build, packed(4), _conditions, float, call_model=_call),)
