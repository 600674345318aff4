"""Signals at work: what a matcher is given is what the untouched model computes."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import pytest
import torch
from engine.recorder import recording
from families.models import BY_NAME, DIFFUSERS, VITS, Family, keeps_apart, sites_of
from timm.models import VisionTransformer
from torch import nn

import tokred
from tokred import SiteKind, SpecError, parts

STEPS = 3
pytestmark = pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")


Calls = dict[str, list[torch.Tensor]]


def dense_outputs(family: Family, model: nn.Module, names: set[str], steps: int = STEPS) -> Calls:
    """Return what the named modules return in each call of an untouched generation."""
    outputs: Calls = defaultdict(list)
    hooks = [
        module.register_forward_hook(lambda _, args, out, name=name: outputs[name].append(out))
        for name, module in model.named_modules()
        if name in names
    ]
    family.generate(model, steps=steps)
    for hook in hooks:
        hook.remove()
    return outputs


def as_matched(features: torch.Tensor, family: Family) -> torch.Tensor:
    """Put the features of samples that share their pairs side by side."""
    return features if keeps_apart(family) else features.transpose(0, 1).flatten(1).unsqueeze(0)


def names_of(model: nn.Module, modules: list[nn.Module | None]) -> list[str]:
    names = {module: name for name, module in model.named_modules()}
    return [names[module] for module in modules if module is not None]


@pytest.mark.parametrize("kind", ["attn", "mlp", "block"])
@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_keys_are_those_of_the_image_tokens(family: Family, model: nn.Module, kind: SiteKind) -> None:
    keys = names_of(model, [site.attention.shown_key for site in sites_of(model, kind)])
    outputs = dense_outputs(family, model, set(keys), steps=1)
    method, recorder = recording("key", (kind,), parts.Interval(0.5))
    with tokred.apply(model, method):
        family.generate(model, steps=1)
    image = family.grid[0] * family.grid[1]
    assert len(recorder.seen) == len(keys)
    for name, features in zip(keys, recorder.seen, strict=True):
        assert torch.equal(features, as_matched(outputs[name][0][:, -image:], family))


@pytest.mark.parametrize("kind", ["attn", "kv"])
@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_projections_are_those_that_the_site_spares(family: Family, model: nn.Module, kind: SiteKind) -> None:
    """Known before the site runs: queries, or the values of a site that reduces the keys and values alone."""
    if kind == "kv" and family.name == "flux":
        pytest.skip("rotary keys cannot be reduced apart")
    attentions = sites_of(model, "attn")
    spared = [site.attention.query if kind == "attn" else site.attention.keys[-1] for site in attentions]
    names = names_of(model, spared)
    outputs = dense_outputs(family, model, set(names), steps=1)
    method, recorder = recording("projection", (kind,), parts.EveryStep(0.5))
    with tokred.apply(model, method):
        family.generate(model, steps=1)
    image = family.grid[0] * family.grid[1]
    assert names[0].endswith("to_q" if kind == "attn" else "to_v")
    assert torch.equal(recorder.seen[0], as_matched(outputs[names[0]][0][:, -image:], family))


@pytest.mark.parametrize("sites", [("attn", "mlp"), ("mlp",)], ids="+".join)
@pytest.mark.parametrize("family", [BY_NAME["dit"], BY_NAME["sd35"]], ids=str)
def test_a_block_shares_its_keys(family: Family, model: nn.Module, sites: tuple[SiteKind, ...]) -> None:
    method, recorder = recording("key", sites, parts.Interval(0.5))
    with tokred.apply(model, method) as run:
        family.generate(model, steps=1)
        assert len(recorder.seen) == len(run.sites)
        assert all(site.probe.slot.features is None for site in run._sites), "nothing is held on to"


@pytest.mark.parametrize("family", VITS, ids=str)
def test_keys_of_a_classifier_are_their_mean_over_heads(family: Family, model: nn.Module) -> None:
    """Known before the MLP, as ToMe uses them."""
    outputs = dense_outputs(family, model, {"blocks.0.attn.k_norm"})
    method, recorder = recording("key", ("mlp",), parts.EveryStep(0.5))
    with tokred.apply(model, method) as run:
        family.generate(model)
        assert all(call.removed for call in run.report().calls)
    image = family.grid[0] * family.grid[1]
    assert torch.equal(recorder.seen[0], outputs["blocks.0.attn.k_norm"][0].mean(dim=1)[:, -image:])


def class_row(family: Family, model: nn.Module, signal: str, mask: torch.Tensor | None = None) -> torch.Tensor:
    """The signal of the first block, token by token, from the whole attention map of each head: `[B, N, 1]`."""
    outputs = dense_outputs(family, model, {f"blocks.0.attn.{name}" for name in ("q_norm", "k_norm", "qkv")})
    q, k, qkv = (outputs[f"blocks.0.attn.{name}"][0] for name in ("q_norm", "k_norm", "qkv"))
    heads, length, d = q.shape[1:]
    logits = q @ k.transpose(2, 3) / d**0.5
    if mask is not None:
        logits = logits.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else logits + mask
    maps, image = logits.softmax(dim=3), family.grid[0] * family.grid[1]
    rows = torch.zeros(len(q), image, 1)
    for b in range(len(q)):
        for i in range(image):
            for h in range(heads):
                j = length - image + i
                value = qkv[b, j, (2 * heads + h) * d : (2 * heads + h + 1) * d]
                rows[b, i] += maps[b, h, 0, j] * (value.norm() if signal == "significance" else 1 / heads)
    return rows


@pytest.mark.parametrize("signal", ["class_attention", "significance"])
@pytest.mark.parametrize("family", VITS, ids=str)
def test_what_the_class_token_attends_to_is_a_row_of_the_attention_map(family: Family, signal: str) -> None:
    model = family.model()
    method, recorder = recording(signal, ("mlp",), parts.EveryStep(0.5))
    with tokred.apply(model, method) as run:
        family.generate(model)
        assert all(call.removed for call in run.report().calls)
        assert all(site.probe.slot.features is None for site in run._sites), "nothing is held on to"
    assert len(recorder.seen) == 2
    torch.testing.assert_close(recorder.seen[0], class_row(family, model, signal))


@pytest.mark.parametrize("family", VITS, ids=str)
def test_keys_stand_beside_what_the_class_token_attends_to(family: Family) -> None:
    model = family.model()
    method, recorder = recording("class_attention+key", ("stream",), parts.EveryStep(0.5))
    with tokred.apply(model, method):
        family.generate(model)
    keys = dense_outputs(family, model, {"blocks.0.attn.k_norm"})["blocks.0.attn.k_norm"][0].mean(dim=1)
    attended, beside = recorder.seen[0][..., :1], recorder.seen[0][..., 1:]
    torch.testing.assert_close(attended, class_row(family, model, "class_attention"))
    assert torch.equal(beside, keys[:, -beside.shape[1] :])


@pytest.mark.parametrize("kind", ["attn", "block"])
def test_what_the_class_token_attends_to_is_not_known_before_attention(kind: SiteKind) -> None:
    with pytest.raises(SpecError, match="signal='class_attention' is known only after a site has run"):
        recording("class_attention", (kind,), parts.EveryStep(0.5))


@pytest.mark.parametrize("form", ["bool", "float"])
def test_a_mask_counts_in_the_class_tokens_attention(form: str) -> None:
    family = BY_NAME["vit"]
    model = family.model()
    length = 1 + family.grid[0] * family.grid[1]
    mask = torch.rand(length, length, generator=torch.Generator().manual_seed(0))
    mask = mask > 0.3 if form == "bool" else mask
    method, recorder = recording("class_attention", ("mlp",), parts.EveryStep(0.5))
    model.blocks[0].register_forward_pre_hook(
        lambda _, args, kwargs: (args, kwargs | {"attn_mask": mask}), with_kwargs=True
    )
    with tokred.apply(model, method):
        family.generate(model)
    torch.testing.assert_close(recorder.seen[0], class_row(family, model, "class_attention", mask))


@pytest.mark.parametrize("signal", ["class_attention", "class_attention+key", "significance"])
def test_a_model_without_a_class_token_is_refused_by_name(signal: str) -> None:
    pooled = VisionTransformer(img_size=8, patch_size=2, embed_dim=12, depth=1, class_token=False, global_pool="avg")
    method, _ = recording(signal, ("mlp",), parts.EveryStep(0.5))
    for model in (BY_NAME["dit"].model(), BY_NAME["flux"].model(), pooled):
        with pytest.raises(
            SpecError, match=f"signal='{re.escape(signal)}' is not offered at .* the model has no class token"
        ):
            tokred.apply(model, method)


@pytest.mark.parametrize("kind", ["attn", "mlp"])
@pytest.mark.parametrize("family", [BY_NAME["dit"], BY_NAME["pixart"]], ids=str)
def test_drift_is_the_change_since_the_last_dense_call(family: Family, model: nn.Module, kind: SiteKind) -> None:
    names = names_of(model, [site.module for site in sites_of(model, kind)])
    outputs = dense_outputs(family, model, set(names))
    method, recorder = recording("drift", (kind,), parts.Interval(0.5, dense_first=STEPS))
    with tokred.apply(model, method):
        for _ in range(2):  # the second generation must not compare with the first
            recorder.seen.clear()
            family.generate(model, steps=STEPS)
            assert len(recorder.seen) == len(names)
            for name, drift in zip(names, recorder.seen, strict=True):
                assert torch.equal(drift, outputs[name][-1] - outputs[name][-2])


@pytest.mark.parametrize("family", [BY_NAME["dit"], BY_NAME["sd3"]], ids=str)
def test_error_is_what_the_recovery_misses(family: Family) -> None:
    """A line through the first two outputs, at the third."""
    model = family.model()
    names = names_of(model, [site.module for site in sites_of(model, "mlp")])
    outputs = dense_outputs(family, model, set(names))
    method, recorder = recording("error", ("mlp",), parts.Interval(0.5, dense_first=STEPS), parts.Forecast(1, "noise"))
    with tokred.apply(model, method):
        family.generate(model, steps=STEPS)
    for name, error in zip(names, recorder.seen, strict=True):
        first, second, third = outputs[name]
        torch.testing.assert_close(error, third - (2 * second - first), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sites", [("attn", "mlp", "model"), ("block", "model")], ids="+".join)
@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_every_site_is_given_what_the_model_returned_last(family: Family, model: nn.Module, sites: Any) -> None:
    returned: list[torch.Tensor] = []
    hook = model.register_forward_hook(lambda _, args, out: returned.append(out[0]))
    method, recorder = recording("model_output", sites, parts.Interval(0.5, dense_first=2))
    with tokred.apply(model, method) as run:
        for _ in range(2):  # the second generation must not compare with the first
            recorder.seen.clear()
            returned.clear()
            family.generate(model, steps=2)
            first = returned[0]
            if first.ndim == 4:
                first = nn.functional.unfold(first, 2, stride=2).transpose(1, 2)
            assert len(recorder.seen) == len(run.sites) - 1
            assert all(torch.equal(seen, as_matched(first, family)) for seen in recorder.seen)
    hook.remove()


@pytest.mark.parametrize("family", [BY_NAME["dit"]], ids=str)
def test_drift_of_a_branch_that_begins_late(family: Family, model: nn.Module) -> None:
    """Its first call is dense, and its second matches."""
    method, _ = recording("drift", ("attn",), parts.Interval(0.5, interval=9, dense_first=2))
    arguments = family.arguments(model, 0)
    with tokred.apply(model, method) as run, torch.no_grad():
        for i in range(6):
            for branch in ("cond", "uncond") if i > 2 else ("cond",):
                with tokred.step(i, 6, branch):
                    family.run(model, arguments, 1 - i / 6)
        phases = {(c.position.branch, c.position.step): c.phase.value for c in run.report().calls}
    assert [phases["cond", i] for i in range(4)] == ["dense", "match", "reduce", "reduce"]
    assert [phases["uncond", i] for i in range(3, 6)] == ["dense", "match", "reduce"]


@pytest.mark.parametrize("sites", [("attn", "mlp"), ("block",)], ids="+".join)
@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_an_oracle_is_counted_with_its_dense_call(family: Family, model: nn.Module, sites: Any) -> None:
    reports = []
    for oracle in (False, True):
        with tokred.apply(model, "dito", oracle=oracle, interval=3, sites=sites) as run:
            family.generate(model, steps=STEPS)
            reports.append(run.report())
    reused, current = reports
    assert [call.phase.value for call in current.calls if call.position.step] == ["oracle"] * (2 * len(run.sites))
    for before, now in zip(reused.calls, current.calls, strict=True):
        extra = now.dense_flops if now.phase.value == "oracle" else 0
        assert now.flops == before.flops + extra
    assert current.compute > 1 > reused.compute


@pytest.mark.parametrize("family", [BY_NAME["dit"]], ids=str)
def test_an_oracle_of_what_is_known_before_calls_each_site_once(family: Family, model: nn.Module) -> None:
    with tokred.apply(model, "dito", oracle=True, signal="input") as run:
        family.generate(model)
        assert {call.phase.value for call in run.report().calls} == {"match", "match+reduce"}
