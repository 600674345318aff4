"""Fewer denoising steps, the baseline that costs nothing to use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tokred.baselines.baseline import check_denoises
from tokred.errors import SpecError


@dataclass(frozen=True)
class FewerSteps:
    """Take a share of the steps.

    Attributes:
        share: share of the denoising steps that are taken, in (0, 1]; rounded to whole steps, at least one.
    """

    share: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise SpecError(f"share={self.share} must be above 0 and at most 1: it is the share of the steps taken.")

    def steps(self, steps: int) -> int:
        """Return the smaller number of steps."""
        return max(1, round(self.share * steps))

    @contextmanager
    def applied(self, pipe: Any) -> Iterator[None]:
        """Leave `pipe` as it is inside the `with` block; see `Baseline`."""
        check_denoises(pipe, "fewer_steps takes fewer denoising steps")
        yield
