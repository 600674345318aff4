"""A generation knows nothing of those before it."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from engine.setups import EVERY_WAY, RECOVERED, SHARED, SIMPLEST, Setup, fresh_generation
from families.models import BY_NAME, Family
from torch import nn

import tokred

EARLIER: dict[str, dict[str, Any]] = {
    "other pictures": {"seed": 1, "steps": 3},
    "more pictures": {"batch": 3},
    "pictures of another size, in fewer steps": {"grid": "other", "steps": 1},
}


@pytest.mark.parametrize(("family", "setup", "dtype"), EVERY_WAY, ids=str)
def test_equals_a_fresh_one(family: Family, model: nn.Module, setup: Setup) -> None:
    expected = fresh_generation(family, model, setup, steps=3)
    with setup.apply(model):
        for name, change in EARLIER.items():
            family.generate(model, **change | ({"grid": family.other_grid} if "grid" in change else {}))
            assert torch.equal(family.generate(model, steps=3), expected), f"after {name}"


@pytest.mark.parametrize(("family", "setup"), SIMPLEST + RECOVERED + SHARED, ids=str)
def test_batch_and_grid_may_change_within_a_generation(family: Family, model: nn.Module, setup: Setup) -> None:
    """Each call reduces right or is dense, and the next generation is a fresh one's."""
    expected = fresh_generation(family, model, setup)
    with setup.apply(model) as run:
        for i, (batch, grid) in enumerate([(2, None), (3, None), (2, family.other_grid), (2, None)]):
            with tokred.step(i, 4), torch.no_grad():
                result = family.run(model, family.arguments(model, 0, batch, grid))
            assert result.isfinite().all()
        assert run.report().unplanned == 0, "a batch or grid not seen before is matched anew"
        assert torch.equal(family.generate(model), expected)


@pytest.mark.parametrize(("family", "setup"), SIMPLEST + RECOVERED, ids=str)
def test_global_random_state_is_untouched(family: Family, model: nn.Module, setup: Setup) -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    with setup.apply(model):
        family.generate(model)
    after = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]


@pytest.mark.parametrize("family", [BY_NAME["dit"]], ids=str)
def test_seed_is_the_only_choice(family: Family, model: nn.Module) -> None:
    def generation(seed: int) -> torch.Tensor:
        torch.manual_seed(seed + 100)
        return fresh_generation(family, model, Setup("dito", {"seed": seed}))

    assert torch.equal(generation(1), generation(1))
    assert not torch.equal(generation(1), generation(2))
