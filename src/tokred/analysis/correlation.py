"""How alike two similarity matrices are."""

from __future__ import annotations

import torch

_ROUNDING = 1e-12  # variation below this share of the scores' own size is rounding in float64


def pearson(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the linear correlation of two sets of scores, sample by sample.

    Args:
        a: `[B, ...]`.
        b: of the same shape.

    Returns:
        `[B]` in [-1, 1], float64; 0 where one of them is constant.
    """
    return correlation(standardized(a), standardized(b))


def standardized(x: torch.Tensor) -> torch.Tensor:
    """Centre the scores of each sample and scale them to length 1, so that `correlation` is one product.

    Args:
        x: `[B, ...]`, M scores a sample.

    Returns:
        `[B, M]`, float64; zeros where the scores are constant.
    """
    x = x.flatten(1).double()
    centred = x - x.mean(dim=1, keepdim=True)
    norm = centred.norm(dim=1, keepdim=True)
    varies = norm > _ROUNDING * x.norm(dim=1, keepdim=True)
    return torch.where(varies, centred / norm.where(varies, 1), 0)


def correlation(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the linear correlation `[B]`, float64, of scores `[B, M]` that `standardized` returned."""
    return (a * b).sum(dim=1, dtype=torch.float64)


def ranks(x: torch.Tensor) -> torch.Tensor:
    """Return the rank of each score within its sample; their linear correlation is Spearman's.

    Args:
        x: `[B, ...]`, M scores a sample.

    Returns:
        `[B, M]`, float64, from 0; ties share the mean of their ranks.
    """
    ordered, places = x.flatten(1).sort(dim=1)
    rank = torch.arange(ordered.shape[1], device=x.device).expand_as(ordered)
    new = torch.ones_like(ordered, dtype=torch.bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = torch.where(new, rank, 0).cummax(dim=1).values
    ends = torch.where(new.roll(-1, dims=1), rank, rank[0, -1]).flip(1).cummin(dim=1).values.flip(1)
    shared = (first + ends).double() / 2
    return torch.empty_like(shared).scatter(1, places, shared)
