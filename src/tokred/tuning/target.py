"""What a user asks of a tuned method."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tokred.bench.result import Row
from tokred.errors import SpecError


@dataclass(frozen=True)
class Target:
    """Either the time or the quality that is wanted.

    Attributes:
        time: measured time over dense, in (0, 1): the best method that takes no more is chosen.
        psnr: of the pictures against dense ones, in dB: the fastest method that reaches it is chosen.
    """

    time: float | None = None
    psnr: float | None = None

    def __post_init__(self) -> None:
        if (self.time is None) == (self.psnr is None):
            raise SpecError("Say either how much time it may take, time=0.6, or what it must reach, psnr=35.")
        if self.time is not None and not 0 < self.time < 1:
            raise SpecError(f"time={self.time} must be above 0 and below 1: it is the share of the dense model's.")
        if self.psnr is not None and not 0 < self.psnr < 100:
            raise SpecError(f"psnr={self.psnr} must be above 0 and below 100, in dB.")

    def choose(self, rows: Iterable[Row]) -> Row | None:
        """Return the row that does best what is wanted, or else comes nearest; None where none reduced anything."""
        rows = [row for row in rows if row.reduced]
        within = [row for row in rows if self.missed(row) <= 0]
        if not within:
            return min(rows, key=self.missed, default=None)
        return max(within, key=_psnr) if self.time is not None else min(within, key=_time)

    def missed(self, row: Row) -> float:
        """Return by how much a row misses it, in its own unit; 0 or less where it does not."""
        return _time(row) - self.time if self.time is not None else (self.psnr or 0) - _psnr(row)

    def miss_in_words(self, row: Row) -> str:
        """Say by how much a row misses it."""
        if self.time is not None:
            return f"takes {_time(row):.2f} of the dense time, {self.missed(row):.2f} more"
        return f"has {_psnr(row):.1f} dB, {self.missed(row):.1f} dB less"

    def distance(self, compute: float, psnr: float) -> float:
        """Return how far from what is wanted a trial is, for which time was not taken: compute stands for it.

        What computes more than the time that is wanted is further than all that computes less.
        """
        if self.time is None:
            return abs(psnr - (self.psnr or 0))
        return self.time - compute if compute <= self.time else 1 + compute

    def __str__(self) -> str:
        return f"time at most {self.time:g}" if self.time is not None else f"PSNR at least {self.psnr:g} dB"


def _psnr(row: Row) -> float:
    return row.scores["psnr"].mean


def _time(row: Row) -> float:
    return row.time_ratio.median
