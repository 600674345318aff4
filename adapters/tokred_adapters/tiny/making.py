"""What the tiny models of images have in common: sizes, shapes of latents, texts, ids and times."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from tokred.testing import Grid

SIZE = {"num_attention_heads": 2, "attention_head_dim": 16, "num_layers": 2}
"""Of a transformer, 32 channels wide."""
AXES = (4, 6, 6)
"""Channels of a head that are turned by frame, row and column."""
KEYS = ("kept", "full", "recovered")
"""What kept queries can attend to, where keys can be projected and rotated by themselves."""
WORD, POOLED = 12, 14
"""Channels of a text token and of a whole text."""


def latents(channels: int, patch: int = 2) -> Callable[[int, Grid], tuple[int, ...]]:
    """Say the shape of latents `[B, C, H, W]`."""
    return lambda batch, grid: (batch, channels, *(side * patch for side in grid))


def packed(channels: int) -> Callable[[int, Grid], tuple[int, ...]]:
    """Say the shape of latents that come as tokens, `[B, N, C]`."""
    return lambda batch, grid: (batch, math.prod(grid), channels)


def words(generator: torch.Generator, batch: int, text: int, channels: int = WORD) -> torch.Tensor:
    """Draw text tokens `[B, T, C]`."""
    return torch.randn(batch, text, channels, generator=generator)


def pooled(generator: torch.Generator, batch: int) -> torch.Tensor:
    """Draw what a whole text is summed up in, `[B, C]`."""
    return torch.randn(batch, POOLED, generator=generator)


def all_words(batch: int, text: int) -> torch.Tensor:
    """Make the mask `[B, T]` of texts without padding."""
    return torch.ones(batch, text, dtype=torch.bool)


def positions(grid: Grid, first: int = 0) -> torch.Tensor:
    """Number the tokens of a picture, `[N, 3]`: `first`, row and column."""
    rows, columns = torch.meshgrid(*(torch.arange(side) for side in grid), indexing="ij")
    return torch.stack([torch.full_like(rows, first), rows, columns], dim=-1).reshape(-1, 3).float()


def prompt(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """Make the text of most models."""
    return {"encoder_hidden_states": words(generator, batch, text)}


def prompt_and_ids(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """Make the text of Flux and its kin, and the positions of all tokens."""
    return {**prompt(generator, batch, grid, text), "img_ids": positions(grid), "txt_ids": torch.zeros(text, 3)}


def pooled_prompt(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """Make a text that is there in tokens and as a whole."""
    return {**prompt(generator, batch, grid, text), "pooled_projections": pooled(generator, batch)}


def masked_prompt(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """Make a text whose mask must be there."""
    return {**prompt(generator, batch, grid, text), "encoder_attention_mask": all_words(batch, text)}


def sizes(batch: int, grid: Grid, names: Sequence[str]) -> dict[str, torch.Tensor]:
    """Make what models are told about the picture's size, `[B, 2]` each, under `names`."""
    return {name: torch.tensor([grid] * batch).float() for name in names}


def thousandths(time: float) -> int:
    """Give a time as diffusion models count it."""
    return round(999 * time)
