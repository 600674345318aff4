"""When sites match and when they reduce."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from tokred.errors import SpecError
from tokred.interfaces import DENSE, Match, Phase, Plan, SiteInfo
from tokred.parts.checks import check_at_least, check_ratio

PMR_THRESHOLD = 0.85
"""Pair match ratio that intervals keep where nothing else is said: our choice, see `GuidedInterval`."""


@functools.cache
def _plan(phase: Phase, ratio: float) -> Plan:
    """Return a plan that draws anew; one object for all sites of a model."""
    return Plan(phase, ratio)


@dataclass(frozen=True)
class EveryStep:
    """Match and reduce in every call; nothing is reused.

    Attributes:
        ratio: share of the image tokens that is removed, in [0, 1).
    """

    ratio: float
    reuses: ClassVar[bool] = False
    skips: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_ratio(self.ratio)

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan a match and a reduction at once, at every step and site."""
        return _plan(Phase.MATCH_REDUCE, self.ratio)


@dataclass(frozen=True)
class Interval:
    """Match at one dense step, reuse the correspondences at the following ones, then match again.

    Attributes:
        ratio: share of the image tokens that the reduce steps remove, in [0, 1]; at 1 they call no site.
        interval: number of steps from one match to the next, at least 2: one dense step in `interval`.
        dense_first: number of steps at the start that are dense, at least 1; the last of them is the first match.
    """

    ratio: float
    interval: int = 2
    dense_first: int = 1
    reuses: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ratio(self.ratio, skips=True)
        check_at_least("interval", self.interval, 2, "the number of steps from one match to the next")
        check_at_least("dense_first", self.dense_first, 1, "the number of dense steps at the start")

    @property
    def skips(self) -> bool:
        """Whether it ever plans a ratio of 1."""
        return self.ratio == 1

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan a dense, match or reduce step, the same for every site."""
        since_first_match = step - (self.dense_first - 1)
        if since_first_match < 0:
            return DENSE
        return _plan(Phase.REDUCE if since_first_match % self.interval else Phase.MATCH, self.ratio)


@dataclass(frozen=True)
class GuidedInterval:
    """Match, reuse the correspondences for as long as they last, and match again: an interval set by what was seen.

    Two matches in a row share what was drawn, so that the pair match ratio p between them costs nothing to measure.
    If ratios fall off geometrically, p after L steps becomes `threshold` after `L * log(threshold) / log(p)`: that,
    rounded down, is the interval until the next ratio is known. PMR-guided intervals are the DiTo paper's
    (arXiv:2605.22011); this rule is our reconstruction. The steps are shared by all sites and by the batch, so a
    picture depends on what else is in its batch.

    Attributes:
        ratio: share of the image tokens that the reduce steps remove, in [0, 1).
        threshold: pair match ratio that an interval should not fall below, in (0, 1). The default is a choice: on the
            project's models lower ones cost more quality than they save, see "DiTo, measured" in the docs.
        shortest: the least interval, and the first one; at least 2.
        longest: the greatest interval, at least `shortest`.
        dense_first: number of steps at the start that are dense, at least 1; the last of them is the first match.
    """

    ratio: float
    threshold: float = PMR_THRESHOLD
    shortest: int = 2
    longest: int = 8
    dense_first: int = 1
    reuses: ClassVar[bool] = True
    skips: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_ratio(self.ratio)
        if not isinstance(self.threshold, float) or not 0 < self.threshold < 1:
            raise SpecError(f"threshold={self.threshold!r} must be in (0, 1): the pair match ratio to stay above.")
        check_at_least("shortest", self.shortest, 2, "the least number of steps from one match to the next")
        check_at_least("longest", self.longest, self.shortest, "the greatest number of steps from match to match")
        check_at_least("dense_first", self.dense_first, 1, "the number of dense steps at the start")

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan a dense, match or reduce step, the same for every site."""
        if step < self.dense_first - 1:
            return DENSE
        if matches and step < matches[-1].step + self._interval(matches):
            return _plan(Phase.REDUCE, self.ratio)
        return Plan(Phase.MATCH, self.ratio, redraw=len(matches) % 2 == 0)

    def _interval(self, matches: Sequence[Match]) -> int:
        """Return the number of steps from the last match to the next."""
        for before, after in reversed(list(pairwise(matches))):
            if after.pmr is not None:
                return self._lasting(after.pmr, after.step - before.step)
        return self.shortest

    def _lasting(self, pmr: float, lag: int) -> int:
        """Return for how many steps correspondences last that kept a ratio `pmr` over `lag` steps."""
        if pmr >= 1:
            return self.longest
        lasting = lag * math.log(self.threshold) / math.log(pmr) if pmr > 0 else 0
        return min(max(math.floor(lasting), self.shortest), self.longest)
