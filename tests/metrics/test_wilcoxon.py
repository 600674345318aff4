"""Wilcoxon's signed-rank test: against all choices of signs, and against tables."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from tokred import SpecError
from tokred.metrics import wilcoxon
from tokred.metrics.wilcoxon import _normal, _ranks


def midranks(sizes: list[float]) -> list[float]:
    """Rank by counting: how many are smaller, and half of those that are equal."""
    return [sum(x < y for x in sizes) + (sizes.count(y) + 1) / 2 for y in sizes]


def by_enumeration(differences: list[float]) -> float:
    """The share of all choices of signs whose sums of ranks are at least as far apart."""
    nonzero = [d for d in differences if d != 0]
    ranks = midranks([abs(d) for d in nonzero])
    seen = abs(sum(math.copysign(rank, d) for rank, d in zip(ranks, nonzero, strict=True)))
    choices = list(itertools.product((-1, 1), repeat=len(ranks)))
    apart = [abs(sum(sign * rank for sign, rank in zip(signs, ranks, strict=True))) for signs in choices]
    return sum(each >= seen for each in apart) / len(choices)


@pytest.mark.parametrize("kind", ["continuous", "tied", "signs"])
@pytest.mark.parametrize("case", range(100))
def test_equals_enumeration(kind: str, case: int) -> None:
    rng = random.Random(f"{kind} {case}")
    draw = {
        "continuous": lambda: rng.gauss(0.5, 1),
        "tied": lambda: float(rng.randint(-3, 4)),
        "signs": lambda: float(rng.choice((-1, 0, 1))),
    }[kind]
    differences = [draw() for _ in range(rng.randint(1, 10))]
    assert wilcoxon(differences) == pytest.approx(by_enumeration(differences), rel=1e-12)


@pytest.mark.parametrize(
    ("n", "greatest", "level"),
    [(6, 0, 0.05), (8, 3, 0.05), (10, 8, 0.05), (16, 29, 0.05), (20, 52, 0.05), (10, 3, 0.01), (20, 37, 0.01)],
)
def test_critical_values_are_those_of_the_printed_tables(n: int, greatest: int, level: float) -> None:
    def p(negative: int) -> float:
        """Give the ranks of the sum `negative` a minus sign."""
        differences = [float(rank) for rank in range(1, n + 1)]
        for rank in range(n, 0, -1):
            if negative >= rank:
                negative -= rank
                differences[rank - 1] *= -1
        return wilcoxon(differences)

    assert p(greatest) <= level < p(greatest + 1)


def test_all_on_one_side() -> None:
    assert wilcoxon([float(i) for i in range(1, 17)]) == 2 / 2**16
    assert wilcoxon([-float(i) for i in range(1, 17)]) == 2 / 2**16


def test_zeros_say_nothing() -> None:
    assert wilcoxon([0.0, 0.0]) == wilcoxon([]) == 1
    assert wilcoxon([0.0, 3.0, -1.0, 0.0, 2.0]) == wilcoxon([3.0, -1.0, 2.0]) == 0.5


def test_equal_sizes_are_the_sign_test() -> None:
    lesser, n = 440, 1000
    tail = sum(math.comb(n, k) for k in range(lesser + 1)) / 2**n
    assert wilcoxon([1.0] * (n - lesser) + [-1.0] * lesser + [0.0] * 500) == pytest.approx(2 * tail)


@pytest.mark.parametrize("tied", [False, True])
def test_approximation_meets_the_exact_p(tied: bool) -> None:
    rng = random.Random(0)
    drawn = [rng.gauss(0.15, 1) for _ in range(200)]
    differences = [round(2 * d) / 2 for d in drawn] if tied else drawn
    nonzero = sorted((d for d in differences if d), key=abs)
    ranks = _ranks([abs(d) for d in nonzero])
    negative = sum(rank for rank, d in zip(ranks, nonzero, strict=True) if d < 0)
    lesser = min(negative, sum(ranks) - negative)
    assert 0.001 < wilcoxon(differences) < 0.5
    assert _normal(ranks, lesser) == pytest.approx(wilcoxon(differences), rel=0.02)


def test_many_differences_take_the_approximation() -> None:
    rng = random.Random(1)
    many = [rng.gauss(0, 1) for _ in range(3000)]
    assert 0.01 < wilcoxon(many) < 1
    assert wilcoxon([d + 1 for d in many]) < 1e-100


def test_wrong_about_as_often_as_it_says() -> None:
    rng = random.Random(2)
    below = sum(wilcoxon([rng.gauss(0, 1) for _ in range(16)]) <= 0.05 for _ in range(500))
    assert 0.02 <= below / 500 <= 0.08


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(SpecError, match="A difference is NaN or infinite"):
        wilcoxon([0.1, value, -0.2])
