"""Which of the benchmarked methods is chosen."""

from __future__ import annotations

import pytest
from bench.made import made_row

from tokred import SpecError
from tokred.bench.result import Row
from tokred.tuning import Target


def row(time: float, psnr: float) -> Row:
    return made_row("delta", {}, time, time, [psnr])


ROWS = [row(0.3, 30), row(0.5, 34), row(0.6, 40), row(0.55, 36), row(0.8, 45)]


@pytest.mark.parametrize(("time", "psnr"), [(0.6, 40), (0.59, 36), (0.3, 30), (0.9, 45)])
def test_the_best_within_a_time(time: float, psnr: float) -> None:
    chosen = Target(time=time).choose(ROWS)
    assert chosen is not None
    assert chosen.scores["psnr"].mean == psnr


@pytest.mark.parametrize(("psnr", "time"), [(30, 0.3), (35, 0.55), (36.5, 0.6), (45, 0.8)])
def test_the_fastest_that_is_good_enough(psnr: float, time: float) -> None:
    chosen = Target(psnr=psnr).choose(ROWS)
    assert chosen is not None
    assert chosen.time_ratio.median == time


@pytest.mark.parametrize(
    ("target", "time", "words"),
    [
        (Target(time=0.2), 0.3, "takes 0.30 of the dense time, 0.10 more"),
        (Target(psnr=46), 0.8, "has 45.0 dB, 1.0 dB less"),
    ],
)
def test_where_none_does_it_the_nearest_is_chosen(target: Target, time: float, words: str) -> None:
    chosen = target.choose(ROWS)
    assert chosen is not None
    assert chosen.time_ratio.median == time
    assert target.missed(chosen) > 0
    assert target.miss_in_words(chosen) == words


def test_what_reduced_nothing_is_not_chosen() -> None:
    assert Target(time=0.5).choose([row(0.4, 100)]) is None


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "Say either how much time"),
        ({"time": 0.5, "psnr": 30}, "Say either how much time"),
        ({"time": 1.0}, "time=1.0 must be above 0 and below 1"),
        ({"time": 0.0}, "time=0.0 must be above 0 and below 1"),
        ({"psnr": 100.0}, "psnr=100.0 must be above 0 and below 100"),
    ],
)
def test_bad_targets_are_refused(params: dict[str, float], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Target(**params)
