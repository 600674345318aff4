"""The Pareto front and the places on it."""

from __future__ import annotations

import random
import statistics
from itertools import pairwise

import pytest

from tokred.bench.curve import Between, Point, at_cost, pareto_front


def point(cost: float, *values: float) -> Point:
    return Point(f"at {cost}", cost, statistics.fmean(values), values)


def random_points(rng: random.Random) -> list[Point]:
    return [
        point(rng.randint(1, 9) / 10, *(float(rng.randint(0, 5)) for _ in range(3))) for _ in range(rng.randint(1, 8))
    ]


@pytest.mark.parametrize("higher", [True, False])
@pytest.mark.parametrize("case", range(50))
def test_front_holds_what_nothing_else_dominates(case: int, higher: bool) -> None:
    points = random_points(random.Random(case))

    def at_least(a: Point, b: Point) -> bool:
        return a.cost <= b.cost and (a.mean >= b.mean if higher else a.mean <= b.mean)

    undominated = {
        (each.cost, each.mean)
        for each in points
        if not any(at_least(other, each) and not at_least(each, other) for other in points)
    }
    assert [(each.cost, each.mean) for each in pareto_front(points, higher=higher)] == sorted(undominated)


@pytest.mark.parametrize("case", range(50))
def test_place_is_where_a_search_over_all_pairs_finds_it(case: int) -> None:
    rng = random.Random(case)
    front = pareto_front(random_points(rng), higher=True)
    cost = rng.random()
    around = [(a, b) for a, b in pairwise(front) if a.cost <= cost <= b.cost]
    place = at_cost(front, cost)
    if not around:
        assert place is None
        return
    assert place is not None
    ((cheaper, dearer),) = around
    assert (place.cheaper, place.dearer) == (cheaper, dearer)
    assert (1 - place.weight) * cheaper.cost + place.weight * dearer.cost == pytest.approx(cost)
    for value, a, b in zip(place.values, cheaper.values, dearer.values, strict=True):
        assert value == pytest.approx((1 - place.weight) * a + place.weight * b)


def test_a_case_by_hand() -> None:
    front = (point(0.4, 10, 20), point(0.6, 14, 20), point(0.8, 30, 21))
    place = at_cost(front, 0.45)
    assert place is not None
    assert (place.cheaper.label, place.dearer.label) == ("at 0.4", "at 0.6")
    assert place.weight == pytest.approx(0.25)
    assert place.values == pytest.approx([11, 20])
    assert place.values[1] == 20  # equal values stay equal, to the last bit


def test_a_cost_of_its_own_is_that_point_alone() -> None:
    front = (point(0.4, 10), point(0.6, 14))
    for each in front:
        assert at_cost(front, each.cost) == Between(each, each, 0)
        assert Between(each, each, 0).values == list(each.values)


def test_nothing_is_extrapolated() -> None:
    front = (point(0.4, 10), point(0.6, 14))
    assert at_cost(front, 0.399) is None
    assert at_cost(front, 0.601) is None


def test_a_front_of_one_point_is_that_cost_alone() -> None:
    (front,) = (pareto_front([point(0.5, 3)], higher=True),)
    assert at_cost(front, 0.5) == Between(front[0], front[0], 0)
    assert at_cost(front, 0.4) is at_cost(front, 0.6) is None
