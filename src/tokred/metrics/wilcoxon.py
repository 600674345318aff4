"""Whether paired differences lean to one side more than chance would have it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from tokred.errors import SpecError

_EXACT_WORK = 20_000_000  # additions that the exact distribution may take: about 270 differences without ties


def wilcoxon(differences: Sequence[float]) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test: that the differences are symmetric about zero.

    Differences of zero are left out, as Wilcoxon did; those of equal size share the mean of their ranks. The p is
    exact, ties included: the share of all choices of signs whose positive and negative ranks differ as much. Where
    there are too many differences for that (more than some 270, fewer ties help), it is the normal approximation with
    continuity correction, whose variance is that of the ranks as they are tied.

    Args:
        differences: one per sample, finite.

    Returns:
        In [0, 1]; 1 where all differences are zero, or there is none.

    Raises:
        SpecError: if one is not a finite number.
    """
    if not all(map(math.isfinite, differences)):
        raise SpecError("A difference is NaN or infinite, as its metric was. Leave out the samples where it was.")
    nonzero = sorted((difference for difference in differences if difference), key=abs)
    if not nonzero:
        return 1.0
    ranks = _ranks([abs(difference) for difference in nonzero])
    above = sum(rank for rank, difference in zip(ranks, nonzero, strict=True) if difference > 0)
    lesser = min(above, sum(ranks) - above)
    return _exact(ranks, lesser) if len(ranks) * sum(ranks) <= _EXACT_WORK else _normal(ranks, lesser)


def _ranks(sizes: Sequence[float]) -> list[int]:
    """Return the ranks of sorted sizes, in the largest unit that makes them whole numbers."""
    doubled: list[int] = []
    while len(doubled) < len(sizes):
        first = len(doubled)
        last = next((i for i in range(first, len(sizes)) if sizes[i] != sizes[first]), len(sizes))
        doubled += [first + 1 + last] * (last - first)  # twice the mean of first + 1, ..., last
    unit = math.gcd(*doubled)
    return [rank // unit for rank in doubled]


def _exact(ranks: Sequence[int], lesser: int) -> float:
    """Return how often random signs make one sum of ranks at most `lesser`."""
    share = torch.zeros(sum(ranks) + 1, dtype=torch.float64)  # of the choices of signs, by the sum of positive ranks
    share[0] = 1
    for rank in ranks:
        positive = torch.zeros_like(share)
        positive[rank:] = share[:-rank]
        share = (share + positive) / 2
    return min(1.0, 2 * float(share[: lesser + 1].sum()))


def _normal(ranks: Sequence[int], lesser: int) -> float:
    """Approximate the same."""
    deviation = math.sqrt(sum(rank * rank for rank in ranks)) / 2
    return math.erfc(max(0.0, sum(ranks) / 2 - lesser - 0.5) / deviation / math.sqrt(2))
