"""What reusing correspondences loses: a schedule that reuses none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from tokred.interfaces import Match, Phase, Plan, Scheduler, Seen, SiteInfo, Watched, plan_of, watched


@dataclass(frozen=True)
class Oracle:
    """Make the pairs of every reduce step of another schedule from that step's own outputs.

    Each site is computed densely for its signal, and then again on the kept tokens: this costs more than dense, and
    shows what correspondences of an earlier step lose against current ones. Destinations are drawn when the other
    schedule matches, and stay. A schedule that is guided by pair match ratios would be guided by those of the oracle.

    Attributes:
        schedule: says which steps match and reduce, and how much.
    """

    schedule: Scheduler
    reuses: ClassVar[bool] = True

    @property
    def watches(self) -> tuple[Watched, ...]:
        """What the other schedule watches."""
        return watched(self.schedule)

    @property
    def ratio(self) -> float:
        """The largest ratio that it ever plans."""
        return self.schedule.ratio

    @property
    def skips(self) -> bool:
        """Whether the other schedule plans a ratio of 1; those steps stay as they are."""
        return self.schedule.skips

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan what the other schedule plans, with an oracle in place of each reduce step."""
        return self.plan_seen(step, steps, site, matches, Seen())

    def plan_seen(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match], seen: Seen) -> Plan:
        """Likewise, with what is known of the generation."""
        plan = plan_of(self.schedule, step, steps, site, matches, seen)
        if plan.phase is not Phase.REDUCE or plan.ratio == 1:
            return plan
        return replace(plan, phase=Phase.ORACLE, redraw=False)
