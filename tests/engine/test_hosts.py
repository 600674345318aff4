"""What users do to a model besides: offloading, caches, LoRA, chunking, fused projections, skipped layers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from accelerate.hooks import ModelHook, add_hook_to_module, remove_hook_from_module
from diffusers import FirstBlockCacheConfig
from engine.setups import DITO, TOMESD, Setup, fresh_generation
from families.models import BY_NAME, DIFFUSERS, VITS, Family, blocks_of
from torch import nn

import tokred
from tokred import ConflictError, UnsupportedModel
from tokred.testing.snapshot import changes, snapshot
from tokred.testing.tolerance import assert_same_computation

DIT, PIXART, SD3, FLUX, VIT = (BY_NAME[name] for name in ("dit", "pixart", "sd3", "flux", "vit"))
NO_SKIPS = FirstBlockCacheConfig(threshold=0.0)
"""A cache that is at work and never takes two steps for alike."""


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
@pytest.mark.parametrize("family", [DIT, FLUX, VIT], ids=str)
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


@pytest.mark.parametrize("family", [DIT, FLUX, VIT], ids=str)
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
    with pytest.raises(ConflictError, match=r"already applied to this .*tokred.remove\(\)"):
        setup.apply(model)
    run.remove()
    with model.cache_context("both"):
        assert torch.equal(family.generate(model), dense), "the cache stays, and nothing of tokred in it"
    model.disable_cache()
    assert changes(never_cached, snapshot(model)) == traces_of_diffusers
    assert torch.equal(family.generate(model), dense)


@pytest.mark.parametrize("keys", ["full", "recovered"])
@pytest.mark.parametrize("family", [PIXART], ids=str)
def test_fused_projections_are_named_where_keys_are_fed(family: Family, model: nn.Module, keys: Any) -> None:
    model.fuse_qkv_projections()
    before = snapshot(model)
    message = rf"did not call its key and value projections, so keys='{keys}'.*unfuse_qkv_projections\(\)"
    with tokred.apply(model, "dito", keys=keys), pytest.raises(UnsupportedModel, match=message):
        family.generate(model)
    assert changes(before, snapshot(model)) == []
    with tokred.apply(model, "dito") as run:
        family.generate(model)
        assert any(call.removed for call in run.report().calls)


@pytest.mark.parametrize("family", [DIT, SD3], ids=str)
@pytest.mark.filterwarnings("ignore:tokred. .* runs dense")
def test_feed_forwards_chunked_by_sample(family: Family) -> None:
    """Memory is saved by one sample after the other, or the site runs dense; no sample uses another's pairs."""
    model = family.model()
    expected, dense = fresh_generation(family, model, DITO), family.generate(model)
    for block in blocks_of(model):
        block.set_chunk_feed_forward(1, 0)
    run = DITO.apply(model)
    generated = family.generate(model)
    if run.report().unplanned == 0:
        assert_same_computation(generated, expected)
    run.remove()
    assert_same_computation(family.generate(model), dense)


@pytest.mark.parametrize("family", [SD3], ids=str)
def test_a_skipped_layer_is_not_counted(family: Family, model: nn.Module) -> None:
    arguments = family.arguments(model, seed=0)
    with DITO.apply(model) as run, torch.no_grad():
        for i in range(2):
            with tokred.step(i, 2):
                model(**arguments, timestep=torch.tensor([500, 500]), skip_layers=[1])
        assert {call.site.depth for call in run.report().calls} == {0}


def with_lora(model: nn.Module) -> nn.Module:
    peft = pytest.importorskip("peft")
    torch.manual_seed(0)
    config = peft.LoraConfig(r=2, target_modules=["to_q", "to_k", "to_v"], init_lora_weights=False)
    return peft.inject_adapter_in_model(config, model)


@pytest.mark.parametrize("keys", ["kept", "full", "recovered"])
@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_lora_loaded_before(family: Family, keys: Any) -> None:
    if keys not in family.keys:
        pytest.skip(f"{family} offers no keys={keys!r}")
    plain = fresh_generation(family, family.model(), Setup("dito", {"keys": keys}))
    model = with_lora(family.model())
    before, dense = snapshot(model), family.generate(model)
    with tokred.apply(model, "dito", keys=keys):
        assert not torch.equal(family.generate(model), plain)
    assert changes(before, snapshot(model)) == []
    assert torch.equal(family.generate(model), dense)


@pytest.mark.parametrize("family", [DIT], ids=str)
def test_lora_loaded_meanwhile(family: Family) -> None:
    """As if it had been loaded before."""
    expected = fresh_generation(family, with_lora(family.model()), DITO)
    with DITO.apply(family.model()) as run:
        assert torch.equal(family.generate(with_lora(run.model)), expected)


FED = [(DIT, {"keys": "full"}), (DIT, {"keys": "recovered"}), (SD3, {"keys": "recovered"})]
"""Set-ups that stand around projections."""


def without_lora(model: nn.Module) -> nn.Module:
    """As `unload` does it."""
    for name, module in list(model.named_modules()):
        if hasattr(module, "base_layer"):
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, module.base_layer)
    del model.peft_config
    return model


@pytest.mark.parametrize(("family", "params"), FED, ids=str)
def test_fed_keys_follow_lora_that_comes_and_goes(family: Family, params: dict[str, Any]) -> None:
    """Each generation is as if the weights had been so before `apply`; what is left is the model without tokred."""
    setup, plain = Setup("dito", params), family.model()
    before, dense = snapshot(plain), family.generate(plain)
    adapted = fresh_generation(family, with_lora(family.model()), setup)
    bare = fresh_generation(family, plain, setup)
    assert not torch.equal(adapted, bare)
    with setup.apply(plain) as run:
        for _ in range(2):
            assert torch.equal(family.generate(with_lora(run.model)), adapted)
            assert torch.equal(family.generate(without_lora(run.model)), bare)
        twin = copy.deepcopy(with_lora(run.model))
        family.generate(run.model)
        assert torch.equal(family.generate(twin), adapted)
        tokred.remove(twin)
    assert torch.equal(family.generate(twin), family.generate(run.model))
    assert changes(before, snapshot(without_lora(plain))) == []
    assert torch.equal(family.generate(plain), dense)


@pytest.mark.parametrize(("family", "params"), FED[1:], ids=str)
def test_fed_keys_follow_lora_in_the_middle_of_a_generation(family: Family, params: dict[str, Any]) -> None:
    """As in a model that has had it all along, and had it switched off until then."""
    drawn = []
    for model in (family.model(), with_lora(family.model())):
        switched = [module for module in model.modules() if hasattr(module, "base_layer")]
        arguments = family.arguments(model, 0)
        with tokred.apply(model, "dito", **params), torch.no_grad():
            for step in range(3):
                if step == 2 and not switched:
                    with_lora(model)
                for module in switched:
                    module.enable_adapters(step == 2)
                with tokred.step(step, 3):
                    made = family.run(model, arguments)
            drawn.append(made)
    assert torch.equal(*drawn)


def test_a_projection_whose_forward_is_not_tokreds_any_more_is_not_followed() -> None:
    model = DIT.model()
    with tokred.apply(model, "dito", keys="full") as run:
        stolen = model.transformer_blocks[0].attn1.to_k
        theirs, stolen.forward = stolen.forward, lambda x: x
        with pytest.raises(ConflictError, match=r"attn1\.to_k was replaced after tokred.apply\(\).*then apply again"):
            DIT.generate(with_lora(model))
        stolen.forward = theirs
        run.remove()


@pytest.mark.parametrize("family", [DIT], ids=str)
def test_lora_is_counted_once(family: Family) -> None:
    """At rank 2 of 32 each of three projections costs an eighth more, and there is a fourth, and attention."""
    with TOMESD.apply(family.model()) as run:
        family.generate(run.model)
        plain = run.report().dense_flops
    with TOMESD.apply(with_lora(family.model())) as run:
        family.generate(run.model)
        assert 1 < run.report().dense_flops / plain < 1.1


@pytest.mark.parametrize("sites", [("attn", "mlp"), ("block",)], ids="+".join)
@pytest.mark.parametrize("family", VITS, ids=str)
def test_gradients_flow_through_a_classifier(family: Family, sites: Any) -> None:
    model = family.model().requires_grad_(True)
    with tokred.apply(model, "tomesd", sites=sites):
        model(**family.arguments(model, seed=0)).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in model.parameters())


@pytest.mark.parametrize("family", VITS, ids=str)
def test_every_way_into_a_classifier_is_reduced(family: Family, model: nn.Module) -> None:
    picture = family.arguments(model, seed=0)["x"]
    ways = (model, model.forward_features, model.forward_intermediates)
    with torch.no_grad(), TOMESD.apply(model) as run:
        for generation, way in enumerate(ways, start=1):
            way(picture)
            assert run.report().generations == generation
            assert all(call.removed for call in run.report().calls)
