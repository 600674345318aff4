"""A schedule over blocks: some of them reduce."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tokred.errors import SpecError
from tokred.interfaces import DENSE, Match, Phase, Plan, SiteInfo
from tokred.parts.checks import check_ratio


@dataclass(frozen=True)
class Stages:
    """Match and reduce in every call, at some blocks only.

    Attributes:
        ratio: share of the image tokens that each of these blocks removes, of those that reach it, in [0, 1).
        at: the blocks, as shares of their number in [0, 1), ascending: 0.25 is the fourth of 12 blocks.
    """

    ratio: float
    at: tuple[float, ...] = (0.25, 0.5, 0.75)
    reuses: ClassVar[bool] = False
    skips: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_ratio(self.ratio)
        shares = [share for share in self.at if isinstance(share, int | float)]
        if (
            not shares
            or list(self.at) != shares
            or shares != sorted(set(shares))
            or not 0 <= shares[0] <= shares[-1] < 1
        ):
            raise SpecError(
                f"at={self.at!r} must be at least one share of the blocks in [0, 1), ascending, such as (0.25, 0.5)."
            )

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan a match and a reduction at once where the site's block is among them."""
        at_stage = site.depth in {int(share * site.blocks + 1e-9) for share in self.at}
        return Plan(Phase.MATCH_REDUCE, self.ratio) if at_stage else DENSE
