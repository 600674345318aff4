"""A method held to a part of the steps, or used less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import tokred
from tokred import Plan, Scheduler, SiteInfo
from tokred.interfaces import DENSE, Match, Seen, Watched, plan_of, watched


@dataclass(frozen=True)
class Limited:
    """Plan as another schedule does, between two shares of the steps and at a strength; all other steps are dense.

    Attributes:
        scheduler: the other schedule.
        start: share of the steps before it begins, in [0, 1].
        end: share of the steps after which it ends, above `start`.
        strength: share of the skipped steps that are skipped still, spread evenly; elsewhere it multiplies the ratio.
    """

    scheduler: Scheduler
    start: float = 0.0
    end: float = 1.0
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= 1:
            raise tokred.SpecError(f"start={self.start:g} must be below end={self.end:g}, both in [0, 1].")
        if not 0 < self.strength <= 1:
            raise tokred.SpecError(f"strength={self.strength:g} must be above 0 and at most 1.")
        if self.watches and self.strength < 1:
            raise tokred.SpecError(
                f"strength={self.strength:g}: {self.scheduler} decides at each step, so that how many it skips is not "
                "known. Use strength=1."
            )

    @property
    def ratio(self) -> float:
        """The largest ratio that it plans below 1; 1 where it plans no other."""
        ratio = self.scheduler.ratio
        return ratio if ratio == 1 else ratio * self.strength

    @property
    def skips(self) -> bool:
        """Whether it ever skips a step."""
        return self.scheduler.skips

    @property
    def reuses(self) -> bool:
        """Whether the other schedule reuses correspondences."""
        return self.scheduler.reuses

    @property
    def watches(self) -> tuple[Watched, ...]:
        """What the other schedule watches."""
        return watched(self.scheduler)

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan as the other schedule does, as far as it may."""
        return self.plan_seen(step, steps, site, matches, Seen())

    def plan_seen(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match], seen: Seen) -> Plan:
        """Likewise, with what is known of the generation."""
        if not self._within(step, steps):
            return DENSE
        plan = plan_of(self.scheduler, step, steps, site, matches, seen)
        if not plan.skips or self.strength == 1:
            return replace(plan, ratio=plan.ratio * self.strength)
        before = sum(
            plan_of(self.scheduler, earlier, steps, site, matches, seen).skips
            for earlier in range(step)
            if self._within(earlier, steps)
        )
        return plan if _whole(before + 1, self.strength) > _whole(before, self.strength) else DENSE

    def _within(self, step: int, steps: int) -> bool:
        return self.start * steps <= step + 1e-9 and step + 1e-9 < self.end * steps


def limited(method: tokred.Method, start: float, end: float, strength: float) -> tokred.Method:
    """Return a method that is held to a part of the steps and used at a strength; see `Limited`."""
    if (start, end, strength) == (0, 1, 1):
        return method
    return replace(method, scheduler=Limited(method.scheduler, start, end, strength))


def _whole(number: int, share: float) -> int:
    return int(number * share + 1e-9)
