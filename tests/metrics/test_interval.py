"""The bootstrap interval: its coverage, against numpy, and that it disturbs nothing."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from tokred.errors import SpecError
from tokred.metrics import interval95


def test_holds_the_true_mean_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    samples = generator.normal(3.0, 2.0, size=(200, 40)).tolist()
    held = sum(low <= 3.0 <= high for low, high in map(interval95, samples))
    assert 0.90 <= held / 200 <= 0.98


def test_equals_numpys_bootstrap() -> None:
    generator = np.random.default_rng(1)
    values = generator.exponential(size=25)
    means = generator.choice(values, size=(100_000, 25)).mean(axis=1)
    expected = np.percentile(means, [2.5, 97.5])
    assert interval95(values.tolist()) == pytest.approx(expected, abs=0.02 * values.std())


def test_deterministic() -> None:
    values = np.random.default_rng(2).normal(size=30).tolist()
    assert interval95(values) == interval95(values)


def test_shifts_and_scales_with_the_values() -> None:
    values = np.random.default_rng(3).normal(size=30)
    low, high = interval95(values.tolist())
    assert low < values.mean() < high
    assert interval95((2 * values + 5).tolist()) == pytest.approx((2 * low + 5, 2 * high + 5))


@pytest.mark.parametrize("value", [0.1, -3.0, 27])
def test_one_value_is_its_own_interval(value: float) -> None:
    assert interval95([value]) == (value, value)


def test_global_random_states_are_untouched() -> None:
    before = repr(np.random.get_state()), torch.get_rng_state(), random.getstate()
    interval95([1.0, 2.0, 4.0])
    assert repr(np.random.get_state()) == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert random.getstate() == before[2]


def test_global_seeds_have_no_say() -> None:
    torch.manual_seed(1)
    first = interval95([1.0, 2.0, 4.0])
    torch.manual_seed(2)
    assert interval95([1.0, 2.0, 4.0]) == first


def test_empty_is_refused() -> None:
    with pytest.raises(SpecError, match="values must hold at least one number, but is empty"):
        interval95([])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(SpecError, match=rf"values\[1\] = {bad} must be finite"):
        interval95([1.0, bad])
