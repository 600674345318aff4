"""What the hosts of video models share: their latents, their prompts and their times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tokred.testing import Grid

FRAMES: dict[str, Any] = {"grid": (3, 4, 6), "other_grid": (2, 6, 4)}
"""Frames, height and width in tokens: 72 of them, and 48."""


def latents(channels: int = 4, patch: int = 2) -> Callable[[int, Grid], tuple[int, ...]]:
    """Make the shape `[B, C, F, H, W]` of latents whose frames are not joined."""
    return lambda batch, grid: (batch, channels, grid[0], grid[1] * patch, grid[2] * patch)


def frames_first(channels: int = 4, patch: int = 2) -> Callable[[int, Grid], tuple[int, ...]]:
    """Make the shape `[B, F, C, H, W]` of latents."""
    return lambda batch, grid: (batch, grid[0], channels, grid[1] * patch, grid[2] * patch)


def no_conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """Make no argument: the model takes the picture and the time alone."""
    return {}


def prompt(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """Make text embeddings `[B, T, 16]`."""
    return {"encoder_hidden_states": torch.randn(batch, text, 16, generator=generator)}


def masked_prompt(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """Make text embeddings and a mask `[B, T]` with two tokens of padding."""
    mask = torch.ones(batch, text)
    mask[:, -2:] = 0
    return {**prompt(generator, batch, grid, text), "encoder_attention_mask": mask}


def angles(tokens: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Make rotary tables `[N, D]`, cosines and sines, for a model that is given them."""
    table = torch.outer(torch.arange(tokens), 0.7 ** torch.arange(width // 2)).repeat_interleave(2, dim=1)
    return table.cos(), table.sin()
