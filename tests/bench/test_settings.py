"""Seeds count up, and numbers have to make sense."""

from __future__ import annotations

import dataclasses

import pytest

from tokred.bench import Settings
from tokred.errors import SpecError


def test_seeds_count_up() -> None:
    settings = Settings.from_seed(7, steps=2, samples=3)
    assert settings.seeds == (7, 8, 9)
    assert settings.timing_batch == 2


@pytest.mark.parametrize("name", ["steps", "samples", "pairs"])
@pytest.mark.parametrize("value", [0, -1])
def test_nothing_can_be_less_than_one(name: str, value: int) -> None:
    with pytest.raises(SpecError, match=rf"{name}={value} must be an integer of at least 1"):
        Settings.from_seed(0, **({"steps": 1} | {name: value}))


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_that_a_generator_cannot_take_is_refused(seed: int) -> None:
    with pytest.raises(SpecError, match=r"must be in \[0, 2\*\*63\)"):
        Settings.from_seed(seed, steps=1)


def test_one_seed_for_each_sample() -> None:
    with pytest.raises(SpecError, match="seeds has 2 entries, and samples=3"):
        dataclasses.replace(Settings.from_seed(0, steps=1, samples=3), seeds=(0, 1))
