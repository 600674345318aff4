"""Seeds count up, and numbers have to make sense."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tokred.bench import Settings
from tokred.errors import SpecError


def from_seed(seed: int = 0, **changes: Any) -> Settings:
    return Settings.from_seed(seed, **{"steps": 2, "samples": 3, "pairs": 1, "batch": 8, "timing_batch": 2} | changes)


def test_seeds_count_up() -> None:
    settings = from_seed(7)
    assert settings.seeds == (7, 8, 9)
    assert settings.command == ""


def test_no_more_go_through_at_once_than_there_are() -> None:
    assert (from_seed().batch, from_seed().timing_batch) == (3, 2)
    assert (from_seed(samples=1).batch, from_seed(samples=1).timing_batch) == (1, 1)
    assert (from_seed(samples=9).batch, from_seed(samples=9).timing_batch) == (8, 2)


@pytest.mark.parametrize(("steps", "size"), [(1, "1 step, 3 samples"), (2, "2 steps, 3 samples")])
def test_the_size_in_words(steps: int, size: str) -> None:
    assert from_seed(steps=steps).size == size


@pytest.mark.parametrize("name", ["steps", "samples", "pairs"])
@pytest.mark.parametrize("value", [0, -1])
def test_nothing_can_be_less_than_one(name: str, value: int) -> None:
    with pytest.raises(SpecError, match=rf"{name}={value} must be an integer of at least 1"):
        from_seed(**{name: value})


@pytest.mark.parametrize("name", ["batch", "timing_batch"])
def test_no_batch_can_be_empty(name: str) -> None:
    with pytest.raises(SpecError, match=rf"{name}=0 must be an integer of at least 1"):
        dataclasses.replace(from_seed(), **{name: 0})


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_that_a_generator_cannot_take_is_refused(seed: int) -> None:
    with pytest.raises(SpecError, match=r"must be in \[0, 2\*\*63\)"):
        from_seed(seed)


def test_one_seed_for_each_sample() -> None:
    with pytest.raises(SpecError, match="seeds has 2 entries, and samples=3"):
        dataclasses.replace(from_seed(), seeds=(0, 1))
