"""How queries and keys are rotated by tables, as the models do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from einops import rearrange

if TYPE_CHECKING:
    import torch


def rotate_heads(x: torch.Tensor, tables: Any) -> torch.Tensor:
    """Rotate `[B, L, H, d]` by a pair of tables `[L, d]`, cosines and sines, as Flux does."""
    from diffusers.models.embeddings import apply_rotary_emb

    return apply_rotary_emb(x, tables, sequence_dim=1)  # type: ignore[no-any-return]


def rotate_complex(x: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Rotate `[B, L, H, d]` by a complex table `[L, d / 2]` or `[B, L, d / 2]`, neighbours in pairs, in float32."""
    import torch

    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * table.unsqueeze(-2)).flatten(-2).type_as(x)


def rotate_by_matrices(x: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Rotate `[B, L, H, d]` or `[B, L, H * d]` by matrices `[B, L, 1, d / 2, 2, 2]`, in float32."""
    pairs = x.float().reshape(*x.shape[:2], -1, table.shape[3], 1, 2)
    return (table * pairs).sum(dim=-1).reshape(x.shape).type_as(x)


def rotate_halves(x: torch.Tensor, tables: Any) -> torch.Tensor:
    """Rotate `[B, L, H, d]` by a pair of tables `[L, d]`, the first half of each head by the second, as Cosmos does."""
    from diffusers.models.embeddings import apply_rotary_emb

    return apply_rotary_emb(x, tables, use_real_unbind_dim=-2, sequence_dim=1)  # type: ignore[no-any-return]


def rotate_channels(x: torch.Tensor, tables: Any) -> torch.Tensor:
    """Rotate `[B, L, H * d]`, head by head, by a pair of tables `[1, L, 1, d]`, as Wan does."""
    cos, sin = tables
    heads = rearrange(x, "b l (h d) -> b l h d", d=cos.shape[-1])
    return rotate_by_heads(heads, (cos[..., 0::2], sin[..., 1::2])).flatten(2)


def rotate_by_heads(x: torch.Tensor, tables: Any) -> torch.Tensor:
    """Rotate `[B, L, H, d]` by a pair of tables `[L, H, d / 2]`, of each head its own, as Mochi does."""
    import torch

    cos, sin = tables
    even, odd = rearrange(x.float(), "... (d pair) -> pair ... d", pair=2)
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2).to(x.dtype)


def rotate_ltx(x: torch.Tensor, tables: Any) -> torch.Tensor:
    """Rotate `[B, L, C]` by a pair of tables `[B, L, C]`, as LTX does."""
    from diffusers.models.transformers.transformer_ltx import apply_rotary_emb

    return apply_rotary_emb(x, tables)  # type: ignore[no-any-return]
