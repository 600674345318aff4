"""How alike two similarity matrices are."""

from __future__ import annotations

import torch


def pearson(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the linear correlation of two sets of scores, sample by sample.

    Args:
        a: `[B, ...]`.
        b: of the same shape.

    Returns:
        `[B]` in [-1, 1], float64; 0 where one of them is constant.
    """
    a, b = (x.flatten(1).double() - x.flatten(1).double().mean(dim=1, keepdim=True) for x in (a, b))
    norm = a.norm(dim=1) * b.norm(dim=1)
    correlation: torch.Tensor = (a * b).sum(dim=1) / norm.clamp_min(torch.finfo(norm.dtype).tiny)
    return correlation


def ranks(x: torch.Tensor) -> torch.Tensor:
    """Return the rank of each score within its sample; their linear correlation is Spearman's.

    Args:
        x: `[B, ...]`, M scores a sample.

    Returns:
        `[B, M]`, int64; ties take ranks in order.
    """
    return x.flatten(1).argsort(dim=1, stable=True).argsort(dim=1)
