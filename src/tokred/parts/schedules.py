"""When sites match and when they reduce."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tokred.interfaces import DENSE, Phase, Plan, SiteInfo
from tokred.parts.checks import check_at_least, check_ratio


@dataclass(frozen=True)
class EveryStep:
    """Match and reduce in every call; nothing is reused.

    Attributes:
        ratio: share of the image tokens that is removed, in [0, 1).
    """

    ratio: float
    reuses: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_ratio(self.ratio)

    def plan(self, step: int, steps: int, site: SiteInfo) -> Plan:
        """Plan a match and a reduction at once, at every step and site."""
        return Plan(Phase.MATCH_REDUCE, self.ratio)


@dataclass(frozen=True)
class Interval:
    """Match at one dense step, reuse the correspondences at the following ones, then match again.

    Attributes:
        ratio: share of the image tokens that the reduce steps remove, in [0, 1).
        interval: number of steps from one match to the next, at least 2: one dense step in `interval`.
        dense_first: number of steps at the start that are dense, at least 1; the last of them is the first match.
    """

    ratio: float
    interval: int = 2
    dense_first: int = 1
    reuses: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ratio(self.ratio)
        check_at_least("interval", self.interval, 2, "the number of steps from one match to the next")
        check_at_least("dense_first", self.dense_first, 1, "the number of dense steps at the start")

    def plan(self, step: int, steps: int, site: SiteInfo) -> Plan:
        """Plan a dense, match or reduce step, the same for every site."""
        since_first_match = step - (self.dense_first - 1)
        if since_first_match < 0:
            return DENSE
        return Plan(Phase.REDUCE if since_first_match % self.interval else Phase.MATCH, self.ratio)
