"""How queries and keys are rotated by tables, as the models do it."""

from __future__ import annotations

from typing import Any

import torch


def rotate_heads(x: torch.Tensor, tables: Any) -> torch.Tensor:
    """Rotate `[B, L, H, d]` by a pair of tables `[L, d]`, cosines and sines, as Flux does."""
    from diffusers.models.embeddings import apply_rotary_emb

    return apply_rotary_emb(x, tables, sequence_dim=1)  # type: ignore[no-any-return]


def rotate_halves(x: torch.Tensor, tables: Any) -> torch.Tensor:
    """Rotate `[B, L, H, d]` by a pair of tables `[L, d]`, the first half of each head by the second, as Cosmos does."""
    from diffusers.models.embeddings import apply_rotary_emb

    return apply_rotary_emb(x, tables, use_real_unbind_dim=-2, sequence_dim=1)  # type: ignore[no-any-return]


def rotate_channels(x: torch.Tensor, tables: Any) -> torch.Tensor:
    """Rotate `[B, L, H * d]`, head by head, by a pair of tables `[1, L, 1, d]`, as Wan does."""
    cos, sin = tables
    heads = x.reshape(*x.shape[:2], -1, cos.shape[-1])
    return rotate_by_heads(heads, (cos[..., 0::2], sin[..., 1::2])).flatten(2)


def rotate_by_heads(x: torch.Tensor, tables: Any) -> torch.Tensor:
    """Rotate `[B, L, H, d]` by a pair of tables `[L, H, d / 2]`, of each head its own, as Mochi does."""
    cos, sin = tables
    even, odd = x[..., 0::2].float(), x[..., 1::2].float()
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2).to(x.dtype)


def rotate_ltx(x: torch.Tensor, tables: Any) -> torch.Tensor:
    """Rotate `[B, L, C]` by a pair of tables `[B, L, C]`, as LTX does."""
    from diffusers.models.transformers.transformer_ltx import apply_rotary_emb

    return apply_rotary_emb(x, tables)  # type: ignore[no-any-return]
