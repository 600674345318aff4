"""The samples of a batch do not influence each other."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from engine.setups import EVERY_WAY, Setup
from families.models import BY_NAME, Family, keeps_apart
from torch import nn

import tokred
from tokred.testing.tolerance import assert_same_computation

PER_SAMPLE = [(family, setup, dtype) for family, setup, dtype in EVERY_WAY if keeps_apart(family)]


def second_sample(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: v[1:2] if isinstance(v, torch.Tensor) else v for name, v in arguments.items()}


@torch.no_grad()
def two_steps(family: Family, model: nn.Module, setup: Setup, arguments: dict[str, Any]) -> torch.Tensor:
    with setup.apply(model):
        for i in range(2):
            with tokred.step(i, 2):
                result = family.run(model, arguments, 1 - i / 2)
    return result


@torch.no_grad()
def batch_rounds_otherwise(family: Family, model: nn.Module, arguments: dict[str, Any]) -> bool:
    """Say whether the dense model, in bfloat16, computes a sample otherwise alone."""
    alone, batch = family.run(model, second_sample(arguments)), family.run(model, arguments)[1:2]
    return alone.dtype == torch.bfloat16 and not torch.equal(alone, batch)


@pytest.mark.parametrize(("family", "setup", "dtype"), PER_SAMPLE, ids=str)
def test_a_sample_alone_equals_it_in_a_batch(family: Family, model: nn.Module, setup: Setup) -> None:
    arguments = family.arguments(model, seed=0, batch=3)
    if batch_rounds_otherwise(family, model, arguments):
        pytest.skip("in bfloat16 this class rounds otherwise in a batch: pairs that are nearly tied fall differently")
    batch = two_steps(family, model, setup, arguments)[1:2]
    alone = two_steps(family, model, setup, second_sample(arguments))
    if setup.params.get("memory") == "half":  # what is remembered is rounded, and may fall on either side
        alone, batch = alone.bfloat16(), batch.bfloat16()
    assert_same_computation(alone, batch)


@pytest.mark.parametrize(("family", "setup", "dtype"), PER_SAMPLE, ids=str)
def test_the_other_samples_do_not_matter(family: Family, model: nn.Module, setup: Setup) -> None:
    arguments = family.arguments(model, seed=0, batch=3)
    before = two_steps(family, model, setup, arguments)
    picture = arguments["hidden_states" if family.repeats else "x"]
    picture[0] = -picture[2]
    picture[2, :, 0, 0], picture[2, :, 1, 1] = torch.nan, torch.inf
    after = two_steps(family, model, setup, arguments)
    assert torch.equal(after[1], before[1])
    assert not torch.equal(after[0], before[0])


@pytest.mark.parametrize("family", [BY_NAME["flux"]], ids=str)
def test_where_a_batch_shares_its_tokens_order_does_not_matter(family: Family, model: nn.Module) -> None:
    arguments = family.arguments(model, seed=0, batch=3)
    turned = {n: v.flip(0) if isinstance(v, torch.Tensor) and "ids" not in n else v for n, v in arguments.items()}
    setup = Setup("dito")
    assert_same_computation(two_steps(family, model, setup, turned).flip(0), two_steps(family, model, setup, arguments))
