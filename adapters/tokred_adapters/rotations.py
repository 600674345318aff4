"""How queries and keys are rotated by tables, as the models do it."""

from __future__ import annotations

from typing import Any

import torch


def rotate_heads(x: torch.Tensor, tables: Any) -> torch.Tensor:
    """Rotate `[B, L, H, d]` by a pair of tables `[L, d]`, cosines and sines, as Flux does."""
    from diffusers.models.embeddings import apply_rotary_emb

    return apply_rotary_emb(x, tables, sequence_dim=1)  # type: ignore[no-any-return]


def rotate_complex(x: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Rotate `[B, L, H, d]` by a complex table `[L, d / 2]` or `[B, L, d / 2]`, neighbours in pairs, in float32."""
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * table.unsqueeze(-2)).flatten(-2).type_as(x)


def rotate_by_matrices(x: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Rotate `[B, L, H, d]` or `[B, L, H * d]` by matrices `[B, L, 1, d / 2, 2, 2]`, in float32."""
    pairs = x.float().reshape(*x.shape[:2], -1, table.shape[3], 1, 2)
    return (table * pairs).sum(dim=-1).reshape(x.shape).type_as(x)
