"""A schedule over blocks: some of them reduce."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tokred.errors import SpecError
from tokred.interfaces import DENSE, Match, Matcher, Phase, Plan, SiteInfo
from tokred.parts.checks import check_numbers, check_ratio


@dataclass(frozen=True)
class Stages:
    """Match and reduce in every call, at some blocks only.

    Attributes:
        ratio: share of the image tokens that each of these blocks removes, of those that reach it, in [0, 1).
        at: the blocks, as shares of their number in [0, 1), ascending: 0.25 is the fourth of 12 blocks.
        matchers: one for each of them, in place of the method's own; none where all match by that.
    """

    ratio: float
    at: tuple[float, ...] = (0.25, 0.5, 0.75)
    matchers: tuple[Matcher, ...] = ()
    reuses: ClassVar[bool] = False
    skips: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_ratio(self.ratio)
        check_numbers("at", self.at)
        if list(self.at) != sorted(set(self.at)) or not 0 <= self.at[0] <= self.at[-1] < 1:
            raise SpecError(
                f"at={self.at!r} must be at least one share of the blocks in [0, 1), ascending, such as (0.25, 0.5)."
            )
        if self.matchers and len(self.matchers) != len(self.at):
            raise SpecError(
                f"matchers are {len(self.matchers)}, and at={self.at!r} names {len(self.at)} blocks: give one for "
                "each, or none."
            )

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan a match and a reduction at once where the site's block is among them."""
        depths = [int(share * site.blocks + 1e-9) for share in self.at]
        if self.matchers and len(set(depths)) < len(depths):
            raise SpecError(
                f"at={self.at!r} names {len(set(depths))} of {site.blocks} blocks, and there are {len(depths)} "
                "matchers: one would not be asked. Name stages that are further apart."
            )
        if site.depth not in depths:
            return DENSE
        matcher = self.matchers[depths.index(site.depth)] if self.matchers else None
        return Plan(Phase.MATCH_REDUCE, self.ratio, matcher=matcher)
