"""Diffusers' own pipelines: applied, generated, removed."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FlowMatchHeunDiscreteScheduler
from families.models import BY_NAME
from families.pipelines import PIPELINE, PIPELINES, Pipeline

import tokred
from tokred.testing.snapshot import changes, snapshot

FLUX, GUIDED_FLUX = PIPELINE["FluxPipeline"], PIPELINE["FluxPipeline with true guidance"]
METHODS: list[tuple[str, dict[str, Any]]] = [
    ("tomesd", {}),
    ("dito", {}),
    ("dito", {"keys": "recovered"}),
    ("random", {"sites": ("block",)}),
]
CASES = [
    pytest.param(pipeline, method, params, id="-".join([str(pipeline), method, *params]))
    for pipeline in PIPELINES
    for method, params in METHODS
    if params.get("keys", "kept") in BY_NAME[pipeline.family].keys
]


def same(before: Any, after: Any) -> bool:
    if isinstance(before, list):
        return all(same(b, a) for b, a in zip(before, after, strict=True))
    return torch.equal(before, after) if isinstance(before, torch.Tensor) else before == after


def assert_same_scheduler(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert before.keys() == after.keys()
    assert [name for name in before if not same(before[name], after[name])] == []


@pytest.mark.parametrize(("pipeline", "method", "params"), CASES)
def test_apply_generate_remove(pipeline: Pipeline, dtype: torch.dtype, method: str, params: dict[str, Any]) -> None:
    pipe = pipeline.build(dtype)
    dense = pipeline.generate(pipe)
    model, sampler = snapshot(pipe.transformer), dict(vars(pipe.scheduler))
    with tokred.apply(pipe, method, **params) as run:
        reduced = pipeline.generate(pipe)
        report = run.report()
        assert torch.equal(pipeline.generate(pipe), reduced), "a second generation"
    assert changes(model, snapshot(pipe.transformer)) == []
    assert not torch.equal(reduced, dense)
    assert vars(pipe.scheduler).keys() == sampler.keys()
    assert torch.equal(pipeline.generate(pipe), dense)
    assert_same_scheduler(sampler, vars(pipe.scheduler))
    assert {call.removed > 0 for call in report.calls if method != "dito" or call.position.step % 2} == {True}
    assert {call.position.step for call in report.calls} == {0, 1}
    assert len({call.position.branch for call in report.calls}) == pipeline.branches
    assert report.unplanned == 0
    assert 0 < report.compute < 1


@pytest.mark.parametrize("pipeline", PIPELINES, ids=str)
def test_twenty_cycles_leave_the_sampler_as_it_was(pipeline: Pipeline) -> None:
    pipe = pipeline.build()
    pipeline.generate(pipe, steps=1)
    model, sampler = snapshot(pipe.transformer), dict(vars(pipe.scheduler))
    for _ in range(20):
        tokred.apply(pipe, "dito").remove()
    assert changes(model, snapshot(pipe.transformer)) == []
    assert_same_scheduler(sampler, vars(pipe.scheduler))


@pytest.mark.parametrize("pipeline", PIPELINES, ids=str)
def test_after_an_exception_in_the_sampler(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = pipeline.build()
    original, calls = type(pipe.scheduler).step, 0

    def fails(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    with tokred.apply(pipe, "dito"):
        expected = pipeline.generate(pipe, steps=3)
    monkeypatch.setattr(type(pipe.scheduler), "step", fails)
    model, names = snapshot(pipe.transformer), list(vars(pipe.scheduler))
    with tokred.apply(pipe, "dito") as run:
        with pytest.raises(KeyboardInterrupt):
            pipeline.generate(pipe, steps=3)
        assert torch.equal(pipeline.generate(pipe, steps=3), expected)
        assert run.report().generations == 2
    assert changes(model, snapshot(pipe.transformer)) == []
    assert list(vars(pipe.scheduler)) == names


@pytest.mark.parametrize("pipeline", [FLUX, PIPELINE["StableDiffusion3Pipeline"]], ids=str)
def test_another_sampler_is_followed(pipeline: Pipeline) -> None:
    pipe = pipeline.build()
    first, second = pipe.scheduler, FlowMatchEulerDiscreteScheduler(shift=3.0)
    with tokred.apply(pipe, "dito"):
        expected = pipeline.generate(pipe, steps=3)
    names = list(vars(second)), list(vars(first))
    pipe.scheduler = second
    with tokred.apply(pipe, "dito"):
        expected_of_second = pipeline.generate(pipe, steps=3)
    pipe.scheduler = first
    with tokred.apply(pipe, "dito") as run:
        assert torch.equal(pipeline.generate(pipe, steps=3), expected)
        pipe.scheduler = second
        assert torch.equal(pipeline.generate(pipe, steps=3), expected_of_second)
        assert run.report().generations == 2
        pipe.scheduler = first
        assert torch.equal(pipeline.generate(pipe, steps=3), expected)
        pipe.scheduler = second  # and not used before removal
    assert "step" not in vars(first)
    assert "step" not in vars(second)
    assert not torch.equal(expected, expected_of_second)
    assert set(names[1]) <= set(vars(first))


@pytest.mark.parametrize("pipeline", [PIPELINE["StableDiffusion3Pipeline"]], ids=str)
def test_a_sampler_that_calls_twice_per_step(pipeline: Pipeline) -> None:
    """Heun's rule: both calls of a step do the same, each by what it has matched itself."""
    pipe = pipeline.build()
    pipe.scheduler = FlowMatchHeunDiscreteScheduler()
    with tokred.apply(pipe, "dito") as run:
        pipeline.generate(pipe, steps=3)
        assert {call.position.step: call.phase.value for call in run.report().calls} == {
            0: "match",
            1: "reduce",
            2: "match",
        }


@pytest.mark.parametrize("pipeline", [GUIDED_FLUX], ids=str)
def test_guidance_may_be_switched_between_generations(pipeline: Pipeline) -> None:
    pipe = pipeline.build()
    with tokred.apply(pipe, "dito"):
        guided = pipeline.generate(pipe, steps=3)
    with tokred.apply(pipe, "dito"):
        plain = pipeline.generate(pipe, steps=3, true_cfg_scale=1.0)
    with tokred.apply(pipe, "dito"):
        for _ in range(2):
            assert torch.equal(pipeline.generate(pipe, steps=3), guided)
            assert torch.equal(pipeline.generate(pipe, steps=3, true_cfg_scale=1.0), plain)


def test_two_pipelines_may_share_a_sampler() -> None:
    first, second = FLUX.build(), FLUX.build()
    second.scheduler = first.scheduler
    names = set(vars(first.scheduler))
    with tokred.apply(second, "dito"):
        expected = FLUX.generate(second, steps=3)
    run, other = tokred.apply(first, "dito"), tokred.apply(second, "dito")
    run.remove()
    try:
        assert torch.equal(FLUX.generate(second, steps=3), expected)
    finally:
        other.remove()
    assert not {"step", "set_timesteps"} & (set(vars(first.scheduler)) - names)


def test_a_copied_sampler_is_its_own() -> None:
    pipe = FLUX.build()
    FLUX.generate(pipe, steps=2)
    with tokred.apply(pipe, "dito"):
        twin = copy.deepcopy(pipe.scheduler)
        twin.set_timesteps(7, mu=1.0)
        FLUX.generate(pipe, steps=3)
        assert len(twin.timesteps) == 7
        assert len(pipe.scheduler.timesteps) == 3


@pytest.mark.parametrize("pipeline", PIPELINES, ids=str)
def test_a_run_may_be_removed_in_the_middle(pipeline: Pipeline) -> None:
    """The steps that are left are dense: here all, since the first one is anyway."""
    pipe = pipeline.build()
    dense = pipeline.generate(pipe, steps=3)
    run, calls = tokred.apply(pipe, "dito"), 0

    def remove_after_first(module: Any, args: Any, output: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == pipeline.branches:
            run.remove()

    handle = pipe.transformer.register_forward_hook(remove_after_first)
    assert torch.equal(pipeline.generate(pipe, steps=3), dense)
    handle.remove()
    assert "step" not in vars(pipe.scheduler)


@pytest.mark.parametrize("pipeline", PIPELINES, ids=str)
def test_the_model_may_be_called_outside_the_pipeline(pipeline: Pipeline) -> None:
    """Applied to a pipeline, its model called by hand does not fail, and the pipeline is right afterwards."""
    pipe, family = pipeline.build(), BY_NAME[pipeline.family]
    with tokred.apply(pipe, "dito"):
        expected = pipeline.generate(pipe)
    with tokred.apply(pipe, "dito"):
        assert family.call(pipe.transformer).isfinite().all()
        assert torch.equal(pipeline.generate(pipe), expected)
