"""How much better one is than the other, on the same samples."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from tokred.errors import SpecError
from tokred.metrics.interval import interval95
from tokred.metrics.wilcoxon import wilcoxon


@dataclass(frozen=True)
class Paired:
    """The differences between two values of each sample, summed up.

    Attributes:
        mean: of the differences, first minus second.
        low: lower end of the mean's 95 % interval, by the bootstrap over samples.
        high: upper end of it.
        p: of Wilcoxon's signed-rank test, two-sided.
        samples: their number.
        wins: samples where the first value is better.
        ties: samples where the two are equal.
        losses: samples where the first value is worse.

    Raises:
        SpecError: if the interval is upside down, p is not a probability, or a sample is not counted once.
    """

    mean: float
    low: float
    high: float
    p: float
    samples: int
    wins: int
    ties: int
    losses: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise SpecError(f"low={self.low} must not be above high={self.high}.")
        if not 0 <= self.p <= 1:
            raise SpecError(f"p={self.p} must be in [0, 1].")
        counts = (self.wins, self.ties, self.losses)
        if min(counts) < 0 or sum(counts) != self.samples:
            raise SpecError(f"wins, ties and losses {counts} must be 0 or more, and {self.samples} together.")

    @classmethod
    def of(cls, values: Sequence[float], reference: Sequence[float], *, higher: bool = True) -> Self:
        """Compare `values` with those of a reference, sample by sample.

        Args:
            values: one per sample, finite.
            reference: likewise, of the same samples in the same order.
            higher: whether higher is better.

        Raises:
            SpecError: if the two have different lengths, are empty, or hold a value that is not finite.

        Examples:
            >>> paired = Paired.of([3.0, 5.0, 4.0], [1.0, 2.0, 4.0])
            >>> paired.wins, paired.ties, paired.losses, paired.p
            (2, 1, 0, 0.5)
        """
        if len(values) != len(reference):
            raise SpecError(
                f"{len(values)} values cannot be paired with {len(reference)}. Give one of each for every sample."
            )
        differences = [value - other for value, other in zip(values, reference, strict=True)]
        low, high = interval95(differences)
        above, below = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
        wins, losses = (above, below) if higher else (below, above)
        return cls(
            mean=statistics.fmean(differences),
            low=low,
            high=high,
            p=wilcoxon(differences),
            samples=len(differences),
            wins=wins,
            ties=len(differences) - wins - losses,
            losses=losses,
        )
