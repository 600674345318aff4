"""Knowing the denoising step: from a scheduler, or said by hand."""

from __future__ import annotations

import inspect
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
)
from families.models import BY_NAME

import tokred
from tokred import SpecError
from tokred.engine.explicit_steps import ExplicitSteps
from tokred.engine.pipeline_steps import SchedulerSteps
from tokred.engine.steps import Position


def generate(source: SchedulerSteps, steps: int, calls: int = 1) -> list[Position]:
    """Walk through a generation as a pipeline does, with so many model calls in each step."""
    scheduler, seen = source.pipe.scheduler, []
    scheduler.set_timesteps(steps)
    sample = torch.zeros(1, 1)
    for t in scheduler.timesteps:
        seen += [source.next_call(None, "") for _ in range(calls)]
        sample = scheduler.step(sample, t, sample).prev_sample
    return seen


def test_a_scheduler_tells_step_branch_and_generation() -> None:
    source = SchedulerSteps(SimpleNamespace(scheduler=FlowMatchEulerDiscreteScheduler()))
    first, second = generate(source, 3, calls=2), generate(source, 3, calls=2)
    for seen in (first, second):
        assert [(p.step, p.steps, p.branch) for p in seen] == [(i, 3, f"call {k}") for i in range(3) for k in range(2)]
    assert len({p.generation for p in first}) == len({p.generation for p in second}) == 1
    assert first[0].generation != second[0].generation


def test_branches_go_by_their_names_where_a_pipeline_says_them() -> None:
    source = SchedulerSteps(SimpleNamespace(scheduler=FlowMatchEulerDiscreteScheduler()))
    source.scheduler.set_timesteps(2)
    said = [source.next_call(None, name).branch for name in ("cond", "uncond", "cond", "")]
    assert said == ["cond", "uncond", "cond, call 1", "call 0"]


def test_the_calls_of_each_model_of_a_pipeline_are_counted_by_themselves() -> None:
    source = SchedulerSteps(SimpleNamespace(scheduler=FlowMatchEulerDiscreteScheduler()))
    source.scheduler.set_timesteps(2)
    assert [source.next_call(model, "").branch for model in ("one", "other", "one")] == ["call 0", "call 0", "call 1"]


def test_time_is_sigma_where_a_scheduler_has_sigmas() -> None:
    source = SchedulerSteps(SimpleNamespace(scheduler=FlowMatchEulerDiscreteScheduler()))
    for steps in (3, 5):
        seen = [position.time for position in generate(source, steps, calls=2)]
        assert seen == [sigma for sigma in source.scheduler.sigmas[:-1].tolist() for _ in range(2)]


@pytest.mark.parametrize("kind", [DDIMScheduler, EulerDiscreteScheduler, DPMSolverMultistepScheduler])
def test_time_is_the_share_of_noise_whatever_a_scheduler_calls_it(kind: Any) -> None:
    """A step's picture is alpha * picture + sigma * noise; alpha^2 is the product of the training's alphas."""
    scheduler = kind()
    source = SchedulerSteps(SimpleNamespace(scheduler=scheduler))
    seen = [position.time for position in generate(source, 5)]
    places = scheduler.timesteps.float()
    alphas = np.interp(places.numpy(), np.arange(1000), scheduler.alphas_cumprod.numpy())
    expected = np.sqrt(1 - alphas) / (np.sqrt(alphas) + np.sqrt(1 - alphas))
    assert seen == pytest.approx(expected.tolist(), abs=0.01)
    assert seen == sorted(seen, reverse=True)


def test_time_of_a_sampler_of_flows_that_has_alphas_too() -> None:
    scheduler = DPMSolverMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction")
    source = SchedulerSteps(SimpleNamespace(scheduler=scheduler))
    assert [position.time for position in generate(source, 4)] == pytest.approx(scheduler.sigmas[:-1].tolist())


def test_time_of_a_generation_that_begins_late() -> None:
    """As from a picture: the first sigmas are left out."""
    source = SchedulerSteps(SimpleNamespace(scheduler=FlowMatchEulerDiscreteScheduler()))
    source.scheduler.set_timesteps(4)
    source.scheduler.set_begin_index(2)
    assert source.next_call(None, "").time == source.scheduler.sigmas[2].item()


def test_time_is_said_by_hand_or_falls_evenly() -> None:
    source = ExplicitSteps(alone=False)
    with tokred.step(2, 5):
        assert source.next_call(None, "").time == pytest.approx(0.6)
    with tokred.step(3, 5, time=0.25):
        assert source.next_call(None, "").time == 0.25


@pytest.mark.parametrize("time", [-0.1, 999.0, math.nan])
def test_a_time_that_is_no_share_is_refused(time: float) -> None:
    with pytest.raises(SpecError, match="must be in \\[0, 1\\]: the share of noise"), tokred.step(0, 5, time=time):
        pass


def test_wrapping_keeps_the_signature_that_pipelines_look_up() -> None:
    scheduler = FlowMatchEulerDiscreteScheduler()
    before = dict(scheduler.__dict__)
    source = SchedulerSteps(SimpleNamespace(scheduler=scheduler))
    assert "sigmas" in inspect.signature(scheduler.set_timesteps).parameters
    source.leave(source)
    assert scheduler.__dict__ == before


def test_another_scheduler_in_its_place_is_followed() -> None:
    first, second = FlowMatchEulerDiscreteScheduler(), FlowMatchEulerDiscreteScheduler()
    pipe = SimpleNamespace(scheduler=first)
    source = SchedulerSteps(pipe)
    generate(source, 2)
    pipe.scheduler = second
    assert fresh(generate(source, 2)) == [True, False]
    assert "step" not in first.__dict__
    assert "step" in second.__dict__
    generate(source, 2)
    seen = generate(source, 2)
    assert [p.step for p in seen] == [0, 1]
    assert fresh(seen) == [True, False]


def fresh(seen: list[Position]) -> list[bool]:
    """Whether each of a sequence of positions begins a generation."""
    before = [None, *(p.generation for p in seen)]
    return [p.generation != last for p, last in zip(seen, before, strict=False)]


def positions(*said: tuple[int, str]) -> list[bool]:
    """Whether each of a sequence of hand-said steps begins a generation."""
    source, seen = ExplicitSteps(alone=False), []
    for index, branch in said:
        with tokred.step(index, 10, branch):
            position = source.next_call(None, "")
            assert position is not None
            seen.append(position)
    return fresh(seen)


def test_a_step_that_does_not_come_after_the_last_begins_a_generation() -> None:
    assert positions((0, "both"), (1, "both"), (2, "both"), (0, "both")) == [True, False, False, True]
    assert positions((0, "both"), (0, "both")) == [True, True]
    assert positions((3, "both"), (2, "both")) == [True, True]


def test_branches_of_one_step_belong_to_one_generation() -> None:
    said = [(0, "cond"), (0, "uncond"), (1, "cond"), (1, "uncond"), (0, "cond"), (0, "uncond")]
    assert positions(*said) == [True, False, False, False, True, False]


def test_no_step_is_said_outside_the_with_block() -> None:
    source = ExplicitSteps(alone=False)
    with pytest.raises(KeyboardInterrupt), tokred.step(0, 2):
        raise KeyboardInterrupt
    assert source.next_call(None, "") is None
    alone = ExplicitSteps(alone=True)
    assert fresh([alone.next_call(None, "") for _ in range(2)]) == [True, True], "each call is a generation"


@pytest.mark.parametrize(("index", "steps"), [(-1, 3), (3, 3), (0, 0)])
def test_a_step_outside_its_generation_is_refused(index: int, steps: int) -> None:
    with pytest.raises(tokred.SpecError, match=f"step index {index} of {steps} steps"), tokred.step(index, steps):
        pass


def test_the_noise_of_all_steps_may_be_said_by_hand() -> None:
    """The presets then skip an idle step, as they do of a pipeline's sampler; `time` is that of the step."""
    model, computed, sigmas = BY_NAME["sd3"].model(), [], (1.0, 0.7, 0.4, 0.001)
    with tokred.apply(model, "step_cache", program="D I", order=1) as run, torch.no_grad():
        for index in range(4):
            with tokred.step(index, 4, noise=sigmas):
                BY_NAME["sd3"].run(model, BY_NAME["sd3"].arguments(model, 0))
            (call,) = (call for call in run.report().calls if call.position.step == index)
            assert call.position.time == sigmas[index]
            computed.append(not call.skipped)
    assert computed == [True, True, True, False]


@pytest.mark.parametrize("noise", [(1.0, 0.5), (1.0, 0.5, 1.5)])
def test_noise_that_is_no_share_for_each_step_is_refused(noise: tuple[float, ...]) -> None:
    message = r"noise=\(1.0.*\) must be one share in \[0, 1\] for each of the 3 steps"
    with pytest.raises(tokred.SpecError, match=message), tokred.step(0, 3, noise=noise):
        pass
