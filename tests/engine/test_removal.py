"""Removal gives the model back exactly as it was."""

from __future__ import annotations

import copy

import pytest
import torch
from engine.setups import EVERY_WAY, RECOVERED, SIMPLEST, Setup
from families.models import Family
from torch import nn

from tokred.testing.snapshot import changes, snapshot


@pytest.mark.parametrize(("family", "setup", "dtype"), EVERY_WAY, ids=str)
def test_one_generation_leaves_no_trace(family: Family, model: nn.Module, setup: Setup) -> None:
    before, dense = snapshot(model), family.generate(model)
    weights, modules = list(model.state_dict()), [name for name, _ in model.named_modules()]
    with setup.apply(model):
        assert changes(before, snapshot(model)), "the snapshot has to see that something is applied"
        assert not torch.equal(family.generate(model), dense)
        assert (list(model.state_dict()), [name for name, _ in model.named_modules()]) == (weights, modules)
    assert changes(before, snapshot(model)) == []
    assert torch.equal(family.generate(model), dense)


@pytest.mark.parametrize("dtype", [torch.float32], ids=str)
@pytest.mark.parametrize(("family", "setup"), SIMPLEST, ids=str)
def test_twenty_cycles_leave_no_trace(family: Family, model: nn.Module, setup: Setup) -> None:
    before = snapshot(model)
    for _ in range(20):
        run = setup.apply(model)
        family.generate(model, batch=1)
        run.remove()
    assert changes(before, snapshot(model)) == []


@pytest.mark.parametrize(("family", "setup"), SIMPLEST, ids=str)
def test_removing_twice_does_nothing_more(family: Family, model: nn.Module, setup: Setup) -> None:
    before, run = snapshot(model), setup.apply(model)
    run.remove()
    with setup.apply(model):
        patched = snapshot(model)
        run.remove()
        assert changes(patched, snapshot(model)) == [], "an old run must not take away a new one's patches"
        family.generate(model)
    assert changes(before, snapshot(model)) == []


@pytest.mark.parametrize(("family", "setup"), SIMPLEST, ids=str)
def test_an_exception_in_the_with_block_removes(family: Family, model: nn.Module, setup: Setup) -> None:
    before = snapshot(model)
    with pytest.raises(KeyboardInterrupt), setup.apply(model):
        raise KeyboardInterrupt
    assert changes(before, snapshot(model)) == []


@pytest.mark.parametrize(("family", "setup"), SIMPLEST, ids=str)
def test_other_models_are_untouched(family: Family, model: nn.Module, dtype: torch.dtype, setup: Setup) -> None:
    other = family.model(dtype)
    before, dense = snapshot(other), family.generate(other)
    with setup.apply(model):
        family.generate(model)
        assert changes(before, snapshot(other)) == []
        assert torch.equal(family.generate(other), dense)


@pytest.mark.parametrize("dtype", [torch.float32], ids=str)
@pytest.mark.parametrize(("family", "setup"), SIMPLEST + RECOVERED, ids=str)
def test_a_deep_copy_runs_its_own_weights(family: Family, model: nn.Module, setup: Setup) -> None:
    fresh = family.model(next(model.parameters()).dtype)
    for parameter in fresh.parameters():
        parameter.mul_(1.5)
    with setup.apply(fresh):
        expected = family.generate(fresh)
    with setup.apply(model):
        original = family.generate(model)
        twin = copy.deepcopy(model)
        for parameter in twin.parameters():
            parameter.mul_(1.5)
        assert torch.equal(family.generate(twin), expected)
    assert not torch.equal(original, expected)


@pytest.mark.parametrize(("family", "setup"), SIMPLEST[:1], ids=str)
def test_a_run_forgets_its_tensors(family: Family, model: nn.Module, setup: Setup) -> None:
    run = setup.apply(model)
    family.generate(model)
    assert all(site.states for site in run._sites)
    run.remove()
    assert not any(site.states for site in run._sites)
    assert run.report().calls, "but not what it computed"
