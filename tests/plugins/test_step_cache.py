"""The step cache against one written by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from bench.tiny import TinySubject
from families.models import BY_NAME, DIFFUSERS, Family
from torch import nn

import tokred
from tokred import SpecError, UnsupportedModel
from tokred.registry import build_method

STEPS = 7


@pytest.fixture
def model(family: Family, dtype: torch.dtype) -> nn.Module:
    """Build the family's model, in place of the one of this folder."""
    return family.model(dtype)


@pytest.fixture
def subject() -> TinySubject:
    return TinySubject()


def computed_steps(subject: TinySubject, **params: Any) -> list[int]:
    """Which steps of a generation the model is really computed at, told by its first block."""
    seen: list[int] = []
    scheduler = subject.model.scheduler
    hook = subject.model.transformer.transformer_blocks[0].register_forward_hook(
        lambda *_: seen.append(scheduler.step_index or 0)
    )
    with tokred.apply(subject.model, "step_cache", **params) as run:
        subject.generate([0], STEPS)
        assert run.report().compute == pytest.approx(len(seen) / STEPS)
    hook.remove()
    return seen


@pytest.mark.parametrize(
    ("params", "steps"),
    [
        ({"interval": 2, "dense_first": 1}, [0, 2, 4, 6]),
        ({"interval": 3, "dense_first": 1}, [0, 3, 6]),
        ({"interval": 2, "dense_first": 3, "order": 1}, [0, 1, 2, 4, 6]),
        ({"interval": 9, "dense_first": 1}, [0]),
        ({"program": "DD (1 1 D)* D"}, [0, 1, 4, 6]),
    ],
)
def test_it_computes_the_steps_that_it_says(subject: TinySubject, params: dict[str, Any], steps: list[int]) -> None:
    assert computed_steps(subject, **params) == steps


def by_hand(forward: Any, order: int, times: list[float]) -> Any:
    """Call the model at every third step, and carry on its outputs by Lagrange's form at the others."""
    calls, known = 0, []

    def model(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        time = times[calls]
        if calls % 3 == 0:
            result = forward(*args, **kwargs)
            known.append((time, result[0].clone()))
            calls += 1
            return result
        calls += 1
        points = known[-order - 1 :]
        total = torch.zeros_like(points[0][1])
        for i, (ti, output) in enumerate(points):
            weight = 1.0
            for j, (tj, _) in enumerate(points):
                weight *= (time - tj) / (ti - tj) if i != j else 1.0
            total += weight * output
        return (total,) if kwargs.get("return_dict") is False else tokred_output(forward, total)

    return model


def tokred_output(forward: Any, sample: torch.Tensor) -> Any:
    from diffusers.models.modeling_outputs import Transformer2DModelOutput

    return Transformer2DModelOutput(sample=sample)


@pytest.mark.parametrize("variable", ["log_snr", "noise"])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_it_equals_one_written_by_hand(
    subject: TinySubject, monkeypatch: pytest.MonkeyPatch, order: int, variable: str
) -> None:
    with tokred.apply(subject.model, "step_cache", interval=3, order=order, variable=variable):
        cached = [subject.generate([1, 2], STEPS) for _ in range(2)]
    assert torch.equal(*cached), "nothing is left from the generation before"
    model, scheduler = subject.model.transformer, subject.model.scheduler
    scheduler.set_timesteps(STEPS)
    assert scheduler.config.use_flow_sigmas  # a picture is (1 - sigma) * picture + sigma * noise
    sigmas = scheduler.sigmas[:-1].double()
    times = (torch.logit(1 - sigmas, eps=1e-3) if variable == "log_snr" else sigmas).tolist()
    monkeypatch.setattr(model, "forward", by_hand(model.forward, order, times))
    expected = subject.generate([1, 2], STEPS)
    if order == 0:
        assert torch.equal(cached[0], expected)
    torch.testing.assert_close(cached[0], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_skipped_sites_inside_equal_a_skipped_model(family: Family, model: nn.Module) -> None:
    """Each of a block's sites recalls what the whole of them leads to, where the outputs do not change."""
    arguments = family.arguments(model, 0)
    results = []
    for sites in (("attn", "mlp"), ("block",), ("model",), ("attn", "mlp", "model")):
        method = tokred.Method(
            similarity=tokred.parts.Cosine(),
            matcher=tokred.parts.GridMatcher(),
            scheduler=tokred.parts.Interval(1.0, 3),
            recovery=tokred.parts.Cached(),
            sites=sites,
        )
        with tokred.apply(model, method) as run, torch.no_grad():
            for i in range(3):
                with tokred.step(i, 3):
                    results.append(family.run(model, arguments))
            report = run.report()
        assert report.compute == pytest.approx(1 / 3)
        assert report.unplanned == 0
    # A block's branch is a difference of features around 4, whose last place in bfloat16 is 2**-5.
    rounding = 1e-5 if results[0].dtype == torch.float32 else 2 * 2**-5
    for result in results[1:]:
        torch.testing.assert_close(result, results[0], rtol=2e-2, atol=rounding)


@pytest.mark.parametrize("sites", [("attn", "mlp"), ("block",)], ids="+".join)
@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_a_skipped_site_calls_nothing_in_it(family: Family, model: nn.Module, sites: Any) -> None:
    method = tokred.Method(
        similarity=tokred.parts.Cosine(),
        matcher=tokred.parts.GridMatcher(),
        scheduler=tokred.parts.Interval(1.0, 9),
        recovery=tokred.parts.Cached(),
        sites=sites,
    )
    called: list[int] = []
    with tokred.apply(model, method) as run, torch.no_grad():
        parts_of = [part for site in run._sites for part in site.spec.module.named_modules()]
        inner = {
            m for name, m in parts_of if isinstance(m, nn.Linear) and "emb" not in name
        }  # DiT's last layer uses it
        hooks = [module.register_forward_hook(lambda *_: called.append(i)) for module in inner]
        for i in range(3):
            with tokred.step(i, 3):
                family.run(model, family.arguments(model, seed=i), 1 - i / 3)
        for hook in hooks:
            hook.remove()
    assert set(called) == {0}


def test_nothing_is_recalled_for_a_branch_that_was_not_seen() -> None:
    """Its first call is computed."""
    family = BY_NAME["flux"]
    model = family.model()
    with tokred.apply(model, "step_cache", interval=4) as run, torch.no_grad():
        for i in range(4):
            for branch in ("cond", "uncond") if i == 2 else ("cond",):
                with tokred.step(i, 4, branch):
                    family.run(model, family.arguments(model, seed=len(branch)))
        calls = [(c.position.branch, c.position.step, c.removed > 0) for c in run.report().calls]
    assert calls == [("cond", 0, False), ("cond", 1, True), ("cond", 2, True), ("uncond", 2, False), ("cond", 3, True)]


def test_a_classifier_has_no_steps() -> None:
    with pytest.raises(UnsupportedModel, match="step_cache reuses .* and VisionTransformer is called once per picture"):
        tokred.apply(BY_NAME["vit"].model(), "step_cache")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"interval": 1}, "interval=1 must be an integer of at least 2"),
        ({"order": 3}, "order=3 must be a number from 1, a line, to 2, a parabola; order 0 is Cached"),
        ({"program": "D (M .5)*"}, r"ratio=0.5 for sites=\('model',\): a whole model is called or skipped"),
    ],
)
def test_what_cannot_be_is_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        tokred.registry.build_method("step_cache", params)


@pytest.mark.parametrize(
    ("method", "beside"),
    [("step_cache", {"interval": 3}), ("step_cache", {"dense_first": 2}), ("delta", {"ratio": 0.5})],
)
def test_intervals_beside_a_program_are_refused(method: str, beside: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match=r"program='D 1' says itself .* Leave out either"):
        build_method(method, {"program": "D 1", **beside})
