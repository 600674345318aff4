"""Removal gives the model back exactly as it was."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from accelerate.hooks import ModelHook, add_hook_to_module, remove_hook_from_module
from diffusers import FirstBlockCacheConfig
from engine.setups import DITO, EVERY_WAY, RECOVERED, SIMPLEST, TOMESD, Setup
from engine.snapshot import changes, snapshot
from families.models import BY_NAME, Family, blocks_of
from torch import nn

import tokred
from tokred import ConflictError

FLUX = BY_NAME["flux"]
NO_SKIPS = FirstBlockCacheConfig(threshold=0.0)
"""A cache that is at work and never takes two steps for alike."""


@pytest.mark.parametrize(("family", "setup"), EVERY_WAY, ids=str)
def test_one_generation_leaves_no_trace(family: Family, model: nn.Module, setup: Setup) -> None:
    before, dense = snapshot(model), family.generate(model)
    weights, modules = list(model.state_dict()), [name for name, _ in model.named_modules()]
    with setup.apply(model):
        assert changes(before, snapshot(model)), "the snapshot has to see that something is applied"
        assert not torch.equal(family.generate(model), dense)
        assert (list(model.state_dict()), [name for name, _ in model.named_modules()]) == (weights, modules)
    assert changes(before, snapshot(model)) == []
    assert torch.equal(family.generate(model), dense)


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


@pytest.fixture
def offloaded(model: nn.Module) -> Iterator[list[nn.Module]]:
    """Wrap the blocks as accelerate's offloading does."""
    blocks = blocks_of(model)
    for block in blocks:
        add_hook_to_module(block, ModelHook())
    yield blocks
    for block in blocks:
        remove_hook_from_module(block)


@pytest.mark.parametrize("sites", [("attn",), ("block",)], ids="+".join)
@pytest.mark.parametrize("family", [BY_NAME["dit"], FLUX, BY_NAME["vit"]], ids=str)
@pytest.mark.usefixtures("offloaded")
def test_hooks_of_accelerate_survive(family: Family, model: nn.Module, dtype: torch.dtype, sites: Any) -> None:
    before, dense = snapshot(model), family.generate(model)
    with tokred.apply(model, "tomesd", sites=sites):
        reduced = family.generate(model)
    assert changes(before, snapshot(model)) == []
    assert torch.equal(family.generate(model), dense)
    assert torch.equal(reduced, fresh_with(family, dtype, sites))


def fresh_with(family: Family, dtype: torch.dtype, sites: Any) -> torch.Tensor:
    bare = family.model(dtype)
    with tokred.apply(bare, "tomesd", sites=sites):
        return family.generate(bare)


@pytest.mark.parametrize("family", [BY_NAME["dit"], FLUX, BY_NAME["vit"]], ids=str)
def test_hooks_of_accelerate_may_come_and_go_meanwhile(family: Family, model: nn.Module) -> None:
    before = snapshot(model)
    with tokred.apply(model, "tomesd", sites=("block",)):
        reduced = family.generate(model)
        for block in blocks_of(model):
            add_hook_to_module(block, ModelHook())
        assert torch.equal(family.generate(model), reduced)
        for block in blocks_of(model):
            remove_hook_from_module(block)
        assert torch.equal(family.generate(model), reduced)
    assert changes(before, snapshot(model)) == []


@pytest.mark.parametrize("setup", [TOMESD, DITO, Setup("dito", {"sites": ("block",)})], ids=str)
@pytest.mark.parametrize("family", [FLUX], ids=str)
def test_a_cache_may_be_enabled_meanwhile(family: Family, model: nn.Module, setup: Setup) -> None:
    never_cached, dense = snapshot(model), family.generate(model)
    model.enable_cache(NO_SKIPS)
    model.disable_cache()
    traces_of_diffusers = changes(never_cached, snapshot(model))
    run = setup.apply(model)
    reduced = family.generate(model)
    model.enable_cache(NO_SKIPS)
    with model.cache_context("both"):
        assert torch.equal(family.generate(model), reduced)
    with pytest.raises(ConflictError, match=r"wrapped by something else after tokred.*disable_cache\(\)"):
        run.remove()
    with model.cache_context("both"):
        assert torch.equal(family.generate(model), dense), "a run that is half removed computes densely"
    model.disable_cache()
    run.remove()
    assert changes(never_cached, snapshot(model)) == traces_of_diffusers
    assert torch.equal(family.generate(model), dense)


@pytest.mark.parametrize(("family", "setup"), SIMPLEST[:1], ids=str)
def test_a_run_forgets_its_tensors(family: Family, model: nn.Module, setup: Setup) -> None:
    run = setup.apply(model)
    family.generate(model)
    assert all(site.states for site in run._sites)
    run.remove()
    assert not any(site.states for site in run._sites)
    assert run.report().calls, "but not what it computed"
