"""One wrong thing each: it is named, and nothing has changed."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import FirstBlockCacheConfig, UNet2DConditionModel
from engine.setups import SIMPLEST, Setup
from families.models import BY_NAME, DIFFUSERS, FAMILIES, VITS, Family, blocks_of
from torch import nn

import tokred
from tokred import (
    ConflictError,
    Method,
    Phase,
    Plan,
    SiteInfo,
    SpecError,
    TokredError,
    UnknownName,
    UnsupportedModel,
    parts,
)
from tokred.engine.apply import apply_by
from tokred.testing.snapshot import changes, snapshot
from tokred_adapters.flux import FLUX as FLUX_FAMILY

DIT, PIXART, SD3, FLUX, VIT = (BY_NAME[name] for name in ("dit", "pixart", "sd3", "flux", "vit"))


def method(**changed: Any) -> Method:
    """Build a sound method with some parts changed."""
    sound: dict[str, Any] = {
        "similarity": parts.Cosine(),
        "matcher": parts.GridMatcher(),
        "scheduler": parts.EveryStep(0.5),
        "recovery": parts.Copy(),
    }
    return Method(**sound | changed)


class AtOnce:
    """Matches and reduces in one call, and says that it does not."""

    ratio, reuses, skips = 0.5, True, False

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Any) -> Plan:
        return Plan(Phase.MATCH_REDUCE, self.ratio)


class OutOfStep:
    """Matches attentions at even steps and MLPs at odd ones."""

    ratio, reuses, skips = 0.5, True, False

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Any) -> Plan:
        return Plan(Phase.MATCH if step % 2 == (site.kind == "mlp") else Phase.REDUCE, self.ratio)


WRONG: dict[str, tuple[Callable[[], tuple[Any, dict[str, Any]]], type[TokredError], str]] = {
    "unknown method": (
        lambda: ("tomsd", {}),
        UnknownName,
        r"Unknown method 'tomsd'\. Known: .*dito, .*tomesd.*Did you mean 'tomesd'\?",
    ),
    "unknown parameter": (
        lambda: ("tomesd", {"ration": 0.5}),
        UnknownName,
        r"Unknown parameter of method 'tomesd': 'ration'\. Known: .*stride.*Did you mean 'ratio'\?",
    ),
    "ratio above 1": (lambda: ("tomesd", {"ratio": 1.2}), SpecError, r"ratio=1\.2 must be a number in \[0, 1\)"),
    "ratio below 0": (lambda: ("random", {"ratio": -0.1}), SpecError, r"ratio=-0\.1 must be a number in \[0, 1\)"),
    "ratio above what the stride leaves": (
        lambda: ("tomesd", {"ratio": 0.8, "stride": (2, 2)}),
        SpecError,
        r"ratio=0\.8 for method 'tomesd'.*at most 0\.75 of the tokens.*Lower the ratio or take larger strides",
    ),
    "stride of 0": (
        lambda: ("tomesd", {"stride": (0, 2)}),
        SpecError,
        r"stride: sy=0 must be an integer of at least 1",
    ),
    "unknown site": (
        lambda: ("tomesd", {"sites": ("atn",)}),
        SpecError,
        r"sites=\('atn',\): name at least one of attn",
    ),
    "no site": (lambda: ("tomesd", {"sites": ()}), SpecError, r"sites=\(\): name at least one of attn"),
    "block with attn": (
        lambda: ("tomesd", {"sites": ("block", "attn")}),
        SpecError,
        r"a block holds its attn and mlp; name 'block' alone",
    ),
    "parameters beside a Method": (
        lambda: (method(), {"ratio": 0.5}),
        SpecError,
        r"Parameters ratio were given beside a Method.*dataclasses\.replace",
    ),
    "a part of another kind": (
        lambda: (method(recovery=parts.Cosine()), {}),
        SpecError,
        r"recovery=Cosine.* is not a Recovery",
    ),
    "memory without a dense step": (
        lambda: (method(recovery=parts.Cached()), {}),
        SpecError,
        r"remembers dense outputs, and the scheduler plans no dense step",
    ),
}


untouched = functools.cache(Family.model)
"""Builds each family's model once, for tests that leave it as it is."""


def apply_what(model: nn.Module, make: Callable[[], tuple[Any, dict[str, Any]]]) -> None:
    """Apply what `make` makes; some of it is wrong as soon as it is made."""
    method, params = make()
    tokred.apply(model, method, **params)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_a_wrong_method(family: Family, wrong: str) -> None:
    model = untouched(family)
    before = snapshot(model)
    make, error, message = WRONG[wrong]
    with pytest.raises(error, match=message):
        apply_what(model, make)
    assert changes(before, snapshot(model)) == []


WRONG_FOR_DITO: dict[str, tuple[dict[str, Any], str]] = {
    "interval of 1": ({"interval": 1}, r"interval=1 must be an integer of at least 2"),
    "no dense step": ({"dense_first": 0}, r"dense_first=0 must be an integer of at least 1"),
    "unknown signal": ({"signal": "outputs"}, r"Unknown signal 'outputs'"),
    "unknown merge": ({"merge": "max"}, r"merge='max' is not a way to merge\. Allowed: prune, mean"),
    "unknown keys": ({"keys": "all"}, r"keys='all' is not known\. Allowed: kept, weighted, full, recovered"),
    "drift after one dense step": (
        {"signal": "drift"},
        r"signal='drift' needs a dense call before the one that matches, and Interval.*dense_first=2 or more",
    ),
    "error without a forecast": (
        {"signal": "error", "dense_first": 2},
        r"signal='error' compares outputs with the recovery's forecast, and Copy\(\) makes none",
    ),
    "oracle with a guided interval": (
        {"oracle": True, "pmr": 0.5},
        r"oracle=True matches at every step, and pmr=0\.5 measures matches",
    ),
    "keys without attention": (
        {"keys": "full", "sites": ("mlp",)},
        r"keys='full' is about attention sites, and sites=\('mlp',\) names none",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_FOR_DITO)
@pytest.mark.parametrize("family", [DIT], ids=str)
def test_a_wrong_parameter_of_dito(family: Family, model: nn.Module, wrong: str) -> None:
    before = snapshot(model)
    params, message = WRONG_FOR_DITO[wrong]
    with pytest.raises(SpecError, match=message):
        tokred.apply(model, "dito", **params)
    assert changes(before, snapshot(model)) == []


def tiny_unet() -> nn.Module:
    return UNet2DConditionModel(
        block_out_channels=(8,),
        layers_per_block=1,
        down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",),
        norm_num_groups=2,
        cross_attention_dim=8,
        attention_head_dim=2,
    )


@pytest.mark.parametrize("make", [lambda: nn.Linear(3, 3), lambda: nn.Conv2d(3, 3, 1)], ids=["Linear", "Conv2d"])
def test_a_model_that_no_family_describes(make: Callable[[], nn.Module]) -> None:
    model = make()
    before, name = snapshot(model), type(model).__name__
    said = (
        rf"No family describes torch.*{name}, and tomesd has to know its tokens\. Describe it.* DiTTransformer2DModel,"
    )
    with pytest.raises(UnsupportedModel, match=said):
        tokred.apply(model, "tomesd")
    with pytest.raises(UnsupportedModel, match=said):
        tokred.apply(SimpleNamespace(transformer=model, scheduler=None), "tomesd")
    assert changes(before, snapshot(model)) == []


@pytest.mark.parametrize("target", [None, 3, "model", SimpleNamespace(vae=nn.Linear(3, 3))], ids=str)
def test_no_model_at_all(target: Any) -> None:
    with pytest.raises(UnsupportedModel, match=f"{type(target).__name__} is neither a model nor a pipeline"):
        tokred.apply(target, "tomesd")


@pytest.mark.parametrize(("family", "setup"), SIMPLEST, ids=str)
def test_a_second_application(family: Family, model: nn.Module, setup: Setup) -> None:
    before = snapshot(model)
    with setup.apply(model):
        patched = snapshot(model)
        with pytest.raises(ConflictError, match=r"already applied to this .*Call tokred.remove\(\) on it first"):
            tokred.apply(model, "random")
        assert changes(patched, snapshot(model)) == []
        family.generate(model)
    assert changes(before, snapshot(model)) == []


@pytest.mark.parametrize("family", [FLUX], ids=str)
def test_a_diffusers_cache_enabled_before(family: Family, model: nn.Module) -> None:
    model.enable_cache(FirstBlockCacheConfig(threshold=0.1))
    before = snapshot(model)
    with pytest.raises(ConflictError, match=r"cache is enabled on this Flux.*Call disable_cache\(\) first"):
        tokred.apply(model, "dito")
    assert changes(before, snapshot(model)) == []
    model.disable_cache()
    with tokred.apply(model, "dito"):
        family.generate(model)


def compiled_as_a_whole(model: nn.Module) -> nn.Module:
    return torch.compile(model, backend="eager")


def compiled_in_place(model: nn.Module) -> nn.Module:
    model.compile(backend="eager")
    return model


@pytest.mark.parametrize("compiled", [compiled_as_a_whole, compiled_in_place])
@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_a_compiled_model(family: Family, compiled: Callable[[nn.Module], nn.Module]) -> None:
    model = compiled(family.model())
    before = snapshot(model)
    with pytest.raises(ConflictError, match=r"compiled already\. Call tokred\.apply\(\) first"):
        tokred.apply(model, "tomesd")
    assert changes(before, snapshot(model)) == []


@pytest.mark.parametrize("family", VITS, ids=str)
def test_reuse_on_a_classifier(family: Family, model: nn.Module) -> None:
    before = snapshot(model)
    with pytest.raises(UnsupportedModel, match=r"VisionTransformer is called once per picture.*such as 'tomesd'"):
        tokred.apply(model, "dito")
    assert changes(before, snapshot(model)) == []


@pytest.mark.parametrize("keys", ["full", "recovered"])
@pytest.mark.parametrize("family", [f for f in FAMILIES if f.keys == ("kept",)], ids=str)
def test_keys_that_are_not_offered(family: Family, model: nn.Module, keys: Any) -> None:
    before = snapshot(model)
    with pytest.raises(SpecError, match=rf"keys='{keys}' is not offered at .* Use keys='kept'"):
        tokred.apply(model, method(keys=keys))
    assert changes(before, snapshot(model)) == []


@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_a_loop_without_steps_is_told_once_and_runs_dense(family: Family, model: nn.Module) -> None:
    arguments = family.arguments(model, seed=0)
    with torch.no_grad():
        dense = family.run(model, arguments)
        run = tokred.apply(model, "dito")
        with pytest.warns(UserWarning, match=r"nothing is reduced, .*tokred\.step\(index, steps\)"):
            results = [family.run(model, arguments)]
        results += [family.run(model, arguments) for _ in range(2)]  # a second warning would be an error
    assert all(torch.equal(result, dense) for result in results)
    assert not any(call.removed for call in run.report().calls)
    assert run.report().unplanned == 3
    assert run.report().compute == 1
    run.remove()


@pytest.mark.parametrize(("family", "setup"), SIMPLEST, ids=str)
def test_a_run_that_reduced_nothing_is_told(family: Family, model: nn.Module, setup: Setup) -> None:
    run = tokred.apply(model, setup.method, ratio=0.0)
    family.generate(model)
    assert "nothing was reduced" in str(run.report())
    with pytest.warns(UserWarning, match=f"{setup.method} reduced nothing"):
        run.__exit__(None, None, None)


@pytest.mark.parametrize(("family", "setup"), SIMPLEST, ids=str)
def test_a_picture_that_is_too_small_runs_dense(family: Family, model: nn.Module, setup: Setup) -> None:
    dense = family.generate(model)
    run = tokred.apply(model, setup.method, stride=(9, 9), ratio=0.9)
    with pytest.warns(UserWarning, match=r"tokens should be removed, and GridMatcher.* can remove 0 .*run dense"):
        result = family.generate(model)
    assert torch.equal(result, dense)
    assert "ran dense" in str(run.report())
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # told once
        family.generate(model)
    run.remove()


def with_unknown_tensor(family: Family, arguments: dict[str, Any]) -> dict[str, Any]:
    """Hand attention an argument with a row per token that no description knows of."""
    batch, tokens = 2, family.grid[0] * family.grid[1]
    name = "cross_attention_kwargs" if family in (DIT, PIXART) else "joint_attention_kwargs"
    return arguments | {name: {"per_token": torch.ones(batch, tokens, 1)}}


UNKNOWN = [pytest.param(family, ("attn",), id=f"{family}-attn") for family in DIFFUSERS]
UNKNOWN += [pytest.param(family, ("block",), id=f"{family}-block") for family in DIFFUSERS]


@pytest.mark.parametrize(("family", "sites"), UNKNOWN)
def test_an_unknown_argument_with_a_row_per_token(family: Family, model: nn.Module, sites: Any) -> None:
    before = snapshot(model)
    arguments = with_unknown_tensor(family, family.arguments(model, seed=0))
    with (
        torch.no_grad(),
        tokred.apply(model, "tomesd", sites=sites),
        pytest.raises(UnsupportedModel, match=r"Argument '(per_token|cross_attention_kwargs|joint_attention_kwargs)'"),
    ):
        family.run(model, arguments)
    assert changes(before, snapshot(model)) == []


@pytest.mark.parametrize("family", [FLUX], ids=str)
def test_an_unknown_argument_without_a_batch_axis(family: Family, model: nn.Module) -> None:
    """Rotary positions, if the family's description forgot them."""
    stacks = tuple(dataclasses.replace(stack, rows={}) for stack in FLUX_FAMILY.stacks)
    forgetful = dataclasses.replace(FLUX_FAMILY, stacks=stacks)
    with (
        pytest.raises(UnsupportedModel, match="Argument 'image_rotary_emb'"),
        apply_by(model, method(), lambda model: forgetful),
    ):
        family.generate(model)


@pytest.mark.parametrize("family", [VIT], ids=str)
def test_keys_that_no_module_returns(family: Family, model: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    for block in blocks_of(model):
        monkeypatch.delattr(block.attn, "k_norm")
    with pytest.raises(
        SpecError, match=r"signal='key' is not offered at 2 of the chosen sites, such as blocks\.0\.mlp"
    ):
        tokred.apply(model, method(similarity=parts.Cosine("key"), sites=("mlp",)))


def test_keys_of_an_attention_that_was_reduced() -> None:
    """The MLPs match where the attentions reduce."""
    model = DIT.model()
    similarity, sites = parts.Cosine("key"), ("attn", "mlp")
    with (
        pytest.raises(UnsupportedModel, match=r"ff matches by signal='key' of all 36 image .* those of 18 tokens"),
        tokred.apply(model, method(similarity=similarity, scheduler=OutOfStep(), sites=sites)),
    ):
        DIT.generate(model)


def test_a_late_signal_where_a_scheduler_matches_and_reduces_at_once() -> None:
    model = DIT.model()
    with (
        pytest.raises(SpecError, match=r"signal='output' is known only after a site has run, and .*Phase\.ORACLE"),
        tokred.apply(model, method(similarity=parts.Cosine("output"), scheduler=AtOnce())),
    ):
        DIT.generate(model)


@pytest.mark.parametrize("keys", ["full", "recovered"])
@pytest.mark.parametrize("family", [PIXART], ids=str)
def test_a_mask_where_queries_and_keys_differ(family: Family, model: nn.Module, keys: str) -> None:
    mask = torch.ones(2, family.grid[0] * family.grid[1])
    arguments = family.arguments(model, seed=0) | {"attention_mask": mask}
    before = snapshot(model)
    with (
        torch.no_grad(),
        tokred.apply(model, method(keys=keys)),
        pytest.raises(UnsupportedModel, match=r"attn1 was given 'attention_mask', which cannot be cut.*keys='kept'"),
    ):
        family.run(model, arguments)
    assert changes(before, snapshot(model)) == []
