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
        """Return the row that does best what is wanted, of those that reduced something; None where none does it."""
        rows = [row for row in rows if row.reduced]
        if self.time is not None:
            cheap = [row for row in rows if row.time_ratio.median <= self.time]
            return max(cheap, key=_psnr, default=None)
        good = [row for row in rows if _psnr(row) >= (self.psnr or 0)]
        return min(good, key=lambda row: row.time_ratio.median, default=None)

    def __str__(self) -> str:
        return f"time at most {self.time:g}" if self.time is not None else f"PSNR at least {self.psnr:g} dB"


def _psnr(row: Row) -> float:
    return row.scores["psnr"].mean
