"""The interval that follows the pair match ratio."""

from __future__ import annotations

import math

import pytest

from tokred import SpecError
from tokred.interfaces import Match, Phase, SiteInfo
from tokred.parts import GuidedInterval

SITE = SiteInfo("blocks.0", "attn", depth=0, blocks=1)
LETTERS = {Phase.DENSE: "D", Phase.MATCH: "M", Phase.REDUCE: "r"}


def played(schedule: GuidedInterval, steps: int, ratios: dict[int, float]) -> tuple[str, list[int]]:
    """Run a schedule where two matches `lag` steps apart have the ratio `ratios[lag]`; return phases and redraws."""
    phases, redrawn = "", []
    matches: list[Match] = []
    for step in range(steps):
        plan = schedule.plan(step, steps, SITE, tuple(matches))
        phases += LETTERS[plan.phase]
        if plan.phase is Phase.MATCH:
            matches.append(Match(step, None if plan.redraw else ratios[step - matches[-1].step]))
            redrawn += [step] * plan.redraw
    return phases, redrawn


def geometric(per_step: float) -> dict[int, float]:
    return {lag: per_step**lag for lag in range(1, 30)}


def test_interval_is_where_a_geometric_ratio_meets_the_threshold() -> None:
    # 0.8 ** 3 = 0.512 >= 0.5 > 0.8 ** 4
    phases, redrawn = played(GuidedInterval(0.5, threshold=0.5), 15, geometric(0.8))
    assert phases == "MrMrrMrrMrrMrrM"
    assert redrawn == [0, 5, 11]


@pytest.mark.parametrize("per_step", [0.3, 0.55, 0.75, 0.9, 0.97])
def test_rule_for_every_rate(per_step: float) -> None:
    schedule = GuidedInterval(0.5, threshold=0.6, shortest=2, longest=9)
    phases, _ = played(schedule, 40, geometric(per_step))
    found = phases.index("M", 3) - 2
    lasting = max((lag for lag in range(1, 40) if per_step**lag >= 0.6), default=0)
    assert found == min(max(lasting, 2), 9)


def test_perfect_and_hopeless_ratios_stay_in_bounds() -> None:
    assert played(GuidedInterval(0.5, threshold=0.5, longest=4), 11, geometric(1.0))[0] == "MrMrrrMrrrM"
    assert played(GuidedInterval(0.5, shortest=3), 10, dict.fromkeys(range(30), 0.0))[0] == "MrrMrrMrrM"


def test_dense_first_steps_come_before_the_first_match() -> None:
    assert played(GuidedInterval(0.5, dense_first=4), 8, geometric(0.5))[0] == "DDDMrMrM"


def test_unmeasured_ratio_keeps_the_shortest_interval() -> None:
    schedule = GuidedInterval(0.5, shortest=3)
    assert schedule.plan(3, 10, SITE, (Match(0),)).phase is Phase.MATCH
    assert schedule.plan(2, 10, SITE, (Match(0),)).phase is Phase.REDUCE


@pytest.mark.parametrize("threshold", [0.0, 1.0, -1.0, math.nan, "high"])
def test_threshold_is_checked(threshold: object) -> None:
    with pytest.raises(SpecError, match=r"threshold=.* must be in \(0, 1\)"):
        GuidedInterval(0.5, threshold=threshold)  # type: ignore[arg-type]


def test_bounds_are_checked() -> None:
    with pytest.raises(SpecError, match="shortest=1 must be an integer of at least 2"):
        GuidedInterval(0.5, shortest=1)
    with pytest.raises(SpecError, match="longest=3 must be an integer of at least 4"):
        GuidedInterval(0.5, shortest=4, longest=3)
    with pytest.raises(SpecError, match="dense_first=0 must be an integer of at least 1"):
        GuidedInterval(0.5, dense_first=0)
