"""How queries and keys are rotated by tables, as the models do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def rotate_heads(x: torch.Tensor, tables: Any) -> torch.Tensor:
    """Rotate `[B, L, H, d]` by a pair of tables `[L, d]`, cosines and sines, as Flux does."""
    from diffusers.models.embeddings import apply_rotary_emb

    return apply_rotary_emb(x, tables, sequence_dim=1)  # type: ignore[no-any-return]
