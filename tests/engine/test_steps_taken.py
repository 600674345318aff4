"""The plan is made for the steps that a pipeline was asked for, and of these for those that it takes."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DiTPipeline,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    HeunDiscreteScheduler,
    KDPM2DiscreteScheduler,
    StableDiffusion3Img2ImgPipeline,
    UniPCMultistepScheduler,
)
from diffusers.schedulers import AmusedScheduler
from families.models import BY_NAME
from families.pipelines import PIPELINE

import tokred
from tokred.engine.pipeline_steps import SchedulerSteps
from tokred.engine.steps import Position


def walk(scheduler: Any, steps: int, start: int = 0, pipe: Any = None, taken: int | None = None) -> list[Position]:
    """Go through a generation as a pipeline from a picture does, leaving out the first `start` of its steps."""
    pipe = pipe or SimpleNamespace(scheduler=scheduler)
    source, seen = SchedulerSteps(pipe), []
    for _ in range(2):  # what is known of one generation must not count in the next
        seen = []
        scheduler.set_timesteps(steps)
        timesteps = scheduler.timesteps[start * scheduler.order :][:taken]
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(start * scheduler.order)
        if taken is not None:
            pipe._num_timesteps = len(timesteps)
        sample = torch.zeros(1, 1, 1, 1)
        for t in timesteps:
            sample = scheduler.scale_model_input(sample, t) if hasattr(scheduler, "scale_model_input") else sample
            position = source.next_call(None, "")
            assert position is not None
            seen.append(position)
            sample = scheduler.step(sample, t, sample).prev_sample
    source.leave(source)
    return seen


@pytest.mark.parametrize("kind", [FlowMatchHeunDiscreteScheduler, HeunDiscreteScheduler, KDPM2DiscreteScheduler])
@pytest.mark.parametrize("start", [0, 2])
def test_both_halves_of_a_second_order_step_are_one_step(kind: Any, start: int) -> None:
    seen = walk(kind(), 5, start)
    assert [p.step for p in seen] == [i // 2 for i in range(2 * (5 - start) - 1)]
    assert {p.steps for p in seen} == {5 - start}


@pytest.mark.parametrize(
    "kind",
    [FlowMatchEulerDiscreteScheduler, DDIMScheduler, DPMSolverMultistepScheduler, UniPCMultistepScheduler],
)
def test_steps_left_out_before_a_picture_are_not_planned(kind: Any) -> None:
    every, late = walk(kind(), 10), walk(kind(), 10, start=7)
    assert [(p.step, p.steps) for p in late] == [(0, 3), (1, 3), (2, 3)]
    assert [p.time for p in late] == [p.time for p in every[7:]]


@pytest.mark.parametrize("kind", [FlowMatchEulerDiscreteScheduler, DDIMScheduler, FlowMatchHeunDiscreteScheduler])
@pytest.mark.parametrize("start", [0, 3])
def test_the_noise_of_every_step_is_known_from_the_first(kind: Any, start: int) -> None:
    seen = walk(kind(), 6, start)
    assert len({p.noise for p in seen}) == 1
    assert seen[0].noise == tuple({p.step: p.time for p in reversed(seen)}[step] for step in range(6 - start))


@pytest.mark.parametrize("kind", [FlowMatchEulerDiscreteScheduler, DDIMScheduler, HeunDiscreteScheduler])
def test_steps_left_out_at_the_end_are_not_planned(kind: Any) -> None:
    """As by `denoising_end`, of which only the pipeline's own count tells."""
    scheduler = kind()
    seen = walk(scheduler, 10, taken=6 * scheduler.order)
    assert [p.step for p in seen[:: scheduler.order]] == list(range(6))
    assert {p.steps for p in seen} == {6}


def test_a_count_of_an_earlier_generation_does_not_count() -> None:
    """As of a pipeline whose sampler is then used in a loop written by hand."""
    scheduler = DDIMScheduler()
    pipe = SimpleNamespace(scheduler=scheduler, _num_timesteps=4)
    assert {p.steps for p in walk(scheduler, 10, pipe=pipe)} == {10}
    assert type(pipe._num_timesteps) is int
    assert pipe._num_timesteps == 4


def test_a_generation_from_a_picture_skips_as_one_of_as_many_steps() -> None:
    """`step_cache` computes the first and the last steps of those that are taken."""
    made = PIPELINE["StableDiffusion3Pipeline"]
    pipe = made.build()
    channels = pipe.transformer.config.in_channels
    vae = AutoencoderKL(block_out_channels=(4,), norm_num_groups=2, latent_channels=channels)
    late = StableDiffusion3Img2ImgPipeline(**pipe.components | {"vae": vae})
    late.set_progress_bar_config(disable=True)
    given = {name: value for name, value in made.arguments().items() if name not in ("height", "width")}
    picture = torch.randn(2, channels, 12, 16, generator=torch.Generator().manual_seed(0))
    with tokred.apply(late, "step_cache", interval=3) as run:
        late(**given, image=picture, height=12, width=16, strength=0.3, num_inference_steps=20)
        positions = {call.position.step: call.position.steps for call in run.report().calls}
    assert positions == dict.fromkeys(range(6), 6)


def test_reports_speak_of_the_steps_asked_for() -> None:
    pipe = PIPELINE["StableDiffusion3Pipeline"].build()
    pipe.scheduler = FlowMatchHeunDiscreteScheduler()
    with tokred.apply(pipe, "step_cache", interval=2) as run:
        PIPELINE["StableDiffusion3Pipeline"].generate(pipe, 6)
        calls = run.report().calls
    phases: dict[int, set[bool]] = {}
    for call in calls:
        phases.setdefault(call.position.step, set()).add(call.skipped)
    assert sorted(phases) == list(range(6))
    assert all(len(alike) == 1 for alike in phases.values()), "both halves do the same"
    assert {True} in phases.values()


def test_noise_that_cannot_be_read_falls_evenly_and_is_said() -> None:
    scheduler = AmusedScheduler(mask_token_id=5)
    model = BY_NAME["dit"].model()
    pipe = DiTPipeline(model, None, DDIMScheduler())
    pipe.scheduler = scheduler
    source = SchedulerSteps(pipe)
    scheduler.set_timesteps(4)
    position = source.next_call(None, "")
    assert position is not None
    assert (position.time, position.guessed) == (1.0, True)
    source.leave(source)
    assert scheduler.__dict__.keys() == AmusedScheduler(mask_token_id=5).__dict__.keys() | {"temperatures"}
    for method, notes in (("tomesd", 0), ("step_cache", 1)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nothing is skipped in one step
            with tokred.apply(pipe, method) as run:
                scheduler.set_timesteps(4)
                BY_NAME["dit"].run(model, BY_NAME["dit"].arguments(model, 0))
                assert len(run.report().notes) == notes
                assert ("taken to fall evenly" in repr(run.report())) is bool(notes)


@pytest.mark.parametrize(
    ("name", "computed"), [("StableDiffusion3Pipeline", [0, 1, 3]), ("FluxPipeline", [0, 1, 3, 5])]
)
def test_a_last_step_with_next_to_no_noise_left_is_skipped(name: str, computed: list[int]) -> None:
    """SD3's sampler ends on 0.001, Flux's on a share of one step."""
    pipe = PIPELINE[name].build()
    with tokred.apply(pipe, "step_cache", program="D D *(1 D) I", order=1) as run:
        PIPELINE[name].generate(pipe, 6)
        assert sorted({call.position.step for call in run.report().calls if not call.skipped}) == computed


def test_a_step_said_by_hand_counts_inside_a_run_on_a_pipeline() -> None:
    pipe = PIPELINE["StableDiffusion3Pipeline"].build()
    with tokred.apply(pipe, "step_cache", interval=2) as run:
        BY_NAME["sd3"].generate(pipe.transformer, steps=5)
        assert {call.position.steps for call in run.report().calls} == {5}
        assert any(call.skipped for call in run.report().calls)
        PIPELINE["StableDiffusion3Pipeline"].generate(pipe, 4)
        assert {call.position.steps for call in run.report().calls} == {4}
