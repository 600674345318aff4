"""Differences of pairs, summed up."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tokred.errors import SpecError
from tokred.metrics import Paired, interval95, wilcoxon

VALUES, REFERENCE = [3.0, 5.0, 4.0, 1.0], [1.0, 2.0, 4.0, 2.0]


def test_a_case_by_hand() -> None:
    paired = Paired.of(VALUES, REFERENCE)  # differences 2, 3, 0, -1
    assert paired.mean == 1
    assert (paired.low, paired.high) == interval95([2, 3, 0, -1])
    assert paired.p == wilcoxon([2, 3, 0, -1]) == 0.5
    assert (paired.samples, paired.wins, paired.ties, paired.losses) == (4, 2, 1, 1)


def test_where_lower_is_better_wins_and_losses_change_places() -> None:
    paired = Paired.of(VALUES, REFERENCE)
    assert Paired.of(VALUES, REFERENCE, higher=False) == dataclasses.replace(paired, wins=1, losses=2)


def test_pairing_sees_what_the_two_intervals_alone_do_not() -> None:
    hard_and_easy = [10.0 * sample for sample in range(16)]
    better = [value + 1 for value in hard_and_easy]
    assert interval95(better)[0] < interval95(hard_and_easy)[1]
    paired = Paired.of(better, hard_and_easy)
    assert (paired.mean, paired.low, paired.high, paired.wins) == (1, 1, 1, 16)
    assert paired.p == 2 / 2**16


def test_equal_values_differ_in_nothing() -> None:
    assert Paired.of(VALUES, VALUES) == Paired(0, 0, 0, p=1, samples=4, wins=0, ties=4, losses=0)


def test_what_cannot_be_paired_is_refused() -> None:
    with pytest.raises(SpecError, match=r"4 values cannot be paired with 3\. Give one of each for every sample"):
        Paired.of(VALUES, REFERENCE[:3])
    with pytest.raises(SpecError, match="must hold at least one number"):
        Paired.of([], [])
    with pytest.raises(SpecError, match=r"values\[0\] = nan must be finite"):
        Paired.of([float("nan")], [1.0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": 9.0}, r"low=9\.0 must not be above high="),
        ({"p": 1.5}, r"p=1\.5 must be in \[0, 1\]"),
        ({"wins": 3}, r"wins, ties and losses \(3, 1, 1\) must be 0 or more, and 4 together"),
        ({"wins": -1, "ties": 4}, r"\(-1, 4, 1\) must be 0 or more"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        dataclasses.replace(Paired.of(VALUES, REFERENCE), **changes)
