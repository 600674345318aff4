"""A schedule that looks at the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import ClassVar, get_args

from tokred.errors import SpecError
from tokred.interfaces import DENSE, Match, Phase, Plan, Seen, SiteInfo, Watched
from tokred.parts.checks import check_at_least
from tokred.parts.program import idle_steps

_SKIP = Plan(Phase.REDUCE, 1.0)


@dataclass(frozen=True)
class Gate:
    """Skip the model for as long as what is watched stays below a threshold; idle steps too, see `Program`.

    The last step before the idle ones is dense. One decision is made at each step for the whole batch and all guidance
    branches, so a picture depends on what else is in its batch; the host waits for the device at every step.

    Attributes:
        threshold: above 0. By "change", how far the model's input may have moved since the model was last computed, as
            in FirstBlockCache and its kin, which watch the output of the first block. By "miss", how far the forecast
            may be expected to be off: what it missed at the last computed step, times the number of steps since. See
            `tokred.interfaces.Seen` for what these are; before a forecast was missed, steps are dense.
        by: "miss" or "change".
        dense_first: number of steps at the start that are dense, at least 1.
        longest: number of steps that are skipped in a row at most, at least 1.
    """

    threshold: float
    by: Watched = "miss"
    dense_first: int = 3
    longest: int = 3
    ratio: ClassVar[float] = 1.0
    reuses: ClassVar[bool] = True
    skips: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.threshold, int | float) or not self.threshold > 0 or not isfinite(self.threshold):
            raise SpecError(f"threshold={self.threshold!r} must be a number above 0, such as 0.05.")
        if self.by not in get_args(Watched):
            raise SpecError(f"by={self.by!r} is not watched. Allowed: {', '.join(get_args(Watched))}.")
        check_at_least("dense_first", self.dense_first, 1, "the number of dense steps at the start")
        check_at_least("longest", self.longest, 1, "the number of steps that are skipped in a row")

    @property
    def watches(self) -> tuple[Watched, ...]:
        """What `by` says."""
        return (self.by,)

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan as if the threshold were never reached: the least that it computes."""
        since = (step - self.dense_first) % (self.longest + 1) + 1
        return self.plan_seen(step, steps, site, matches, Seen(since=since, miss=0.0))

    def plan_seen(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match], seen: Seen) -> Plan:
        """Plan a skipped or a dense step, the same for every site."""
        last = steps - idle_steps(seen.noise) - 1
        if step > last:
            return _SKIP
        if step < self.dense_first or step == last or seen.since > self.longest:
            return DENSE
        return _SKIP if self._reached(seen) < self.threshold else DENSE

    def _reached(self, seen: Seen) -> float:
        if self.by == "change":
            return seen.change
        return inf if seen.miss is None else seen.miss * seen.since
