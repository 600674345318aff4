"""ATS: Fayyaz et al., "Adaptive Token Sampling for Efficient Vision Transformers", ECCV 2022."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from tokred import Layout, Method, Reduction, Similarity, SiteKind
from tokred.interfaces import Draw, Memory
from tokred.parts import Copy, Cosine, Stages, Stateless, all_but


@dataclass(frozen=True)
class SamplingMatcher(Stateless):
    """Keep tokens where evenly spaced points fall on the cumulative sum of their significances.

    A removed token follows the next one that is kept in the order of significance, or the last.
    """

    max_ratio: ClassVar[float] = 1.0

    def capacity(self, layout: Layout) -> int:
        """Return N - 1: one token has to stay."""
        return layout.image - 1

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Remove the `r` tokens on which no point falls, by the sum of their `features` `[B, N, C]`."""
        significance, tokens = features.float().sum(dim=2), features.shape[1]
        order = significance.nan_to_num(*[-torch.inf] * 3).argsort(dim=1, descending=True, stable=True)
        falling = significance.nan_to_num(0.0, 0.0, 0.0).clamp_min(0).gather(1, order)
        hit = hits(expected_hits(falling, tokens - r), tokens - r)
        missed = all_but(hit, tokens).contiguous()
        following = torch.searchsorted(hit, missed).clamp_max(tokens - r - 1)
        return Reduction.from_pairs(tokens, order.gather(1, missed), order.gather(1, hit.gather(1, following)))


def expected_hits(falling: torch.Tensor, k: int) -> torch.Tensor:
    """Scale significances so that k tokens are hit: none more than once, and all in proportion that are not certain.

    Args:
        falling: significances of at least 0, in descending order, `[B, N]`.
        k: number of tokens to hit, from 1 to N - 1.

    Returns:
        `[B, N]`, in [0, 1]; each row sums to k.
    """
    falling = falling + torch.finfo(falling.dtype).tiny  # where all are zeros, all are alike
    place = torch.arange(falling.shape[1], device=falling.device)
    rest = falling.flip(1).cumsum(1).flip(1)[:, :k]  # of a token and of all after it
    spacing = rest / (k - place[:k])  # of the points, if all tokens before it are certain to be hit
    certain = (falling[:, :k] <= spacing).int().argmax(dim=1, keepdim=True)
    return (falling / spacing.gather(1, certain)).masked_fill(place < certain, 1.0)


def hits(expected: torch.Tensor, k: int) -> torch.Tensor:
    """Return the places on which the points 1/2, 3/2, ... fall on the cumulative sum of `expected` `[B, N]`.

    Returns:
        k different places, ascending, `[B, k]`, int64; what rounding has moved onto a neighbour is moved back.
    """
    count = torch.arange(k, device=expected.device)
    fallen = torch.searchsorted(expected.cumsum(1), (count + 0.5).expand(len(expected), -1).contiguous())
    return (fallen - count).cummax(dim=1).values.clamp_max(expected.shape[1] - k) + count


def ats(
    *,
    ratio: float = 0.3,
    stages: tuple[float, ...] = (0.25, 0.5, 0.75),
    sites: tuple[SiteKind, ...] = ("stream",),
) -> Method:
    """Sample tokens by how much the class token takes from them, at a few blocks.

    Args:
        ratio: share of the image tokens that each stage removes, of those that reach it, in [0, 1).
        stages: the blocks that remove tokens, as shares of their number in [0, 1).
        sites: where tokens are reduced: "stream", for good, between attention and MLP; or "mlp", where a removed
            token receives a copy of what the MLP makes of the next one in the order of significance that is kept.
    """
    return Method(
        name="ats",
        paper="ECCV 2022, Fayyaz et al.",
        similarity=Cosine("significance"),  # no pairs are compared
        matcher=SamplingMatcher(),
        scheduler=Stages(ratio, stages),
        recovery=Copy(),
        sites=sites,
    )
