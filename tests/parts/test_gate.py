"""A schedule that looks at the picture: what it is shown, and what it makes of that."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from families.pipelines import PIPELINE
from families.tiny_pipelines import PIPELINE as TINY

import tokred
from tokred import Method, SpecError
from tokred.parts import Cosine, Forecast, Gate, RandomMatcher

STEPS = 9


def gated(*args: Any, **kwargs: Any) -> Method:
    return Method(
        similarity=Cosine(),
        matcher=RandomMatcher(),
        scheduler=Gate(*args, **kwargs),
        recovery=Forecast(),
        sites=("model",),
    )


def by_change(inputs: list[torch.Tensor], threshold: float, first: int, longest: int) -> list[int]:
    """Decide by loops over what the model was given at each step."""
    chosen: list[int] = []
    for step in range(len(inputs)):
        moved = 0.0
        for i in range(chosen[-1] if chosen else 0, step):
            moved += float((inputs[i + 1] - inputs[i]).abs().mean() / inputs[i + 1].abs().mean())
        skips = step >= first and step < len(inputs) - 1 and step - chosen[-1] <= longest and moved < threshold
        chosen += [] if skips else [step]
    return chosen


def by_miss(outputs: dict[int, torch.Tensor], noise: list[float], threshold: float, first: int) -> list[int]:
    """Decide by loops over what the model returned at the steps that were computed."""
    place = [math.log((1 - t) / t) for t in (min(max(share, 1e-3), 1 - 1e-3) for share in noise)]
    chosen: list[int] = []
    for step in range(len(noise)):
        expected = math.inf
        if len(chosen) > 1:
            *before, last, now = chosen
            forecast = outputs[last]
            if before:
                share = (place[now] - place[last]) / (place[last] - place[before[-1]])
                forecast = forecast + (outputs[last] - outputs[before[-1]]) * share
            missed = float((forecast - outputs[now]).abs().mean() / outputs[now].abs().mean())
            expected = missed * (step - now)
        skips = step >= first and step < len(noise) - 1 and step - chosen[-1] <= 3 and expected < threshold
        chosen += [] if skips else [step]
    return chosen


@dataclass
class Drawn:
    """What a generation computed: which steps, the model's inputs and outputs, and the share of noise at each step."""

    chosen: list[int]
    inputs: list[torch.Tensor]
    outputs: dict[int, torch.Tensor]
    noise: list[float]


def drawn(method: Method, name: str = "FluxPipeline") -> Drawn:
    pipe = PIPELINE[name].build()
    found = Drawn([], [], {}, [])
    with tokred.apply(pipe, method) as run:
        pipe.transformer.register_forward_pre_hook(
            lambda module, args, kwargs: found.inputs.append(kwargs["hidden_states"].clone()),
            with_kwargs=True,
            prepend=True,
        )
        pipe.transformer.register_forward_hook(
            lambda module, args, output: found.outputs.update({len(found.inputs) - 1: output[0].clone()})
        )
        PIPELINE[name].generate(pipe, STEPS)
        calls = run.report().calls
    found.chosen = sorted({call.position.step for call in calls if not call.skipped})
    found.noise = [call.position.time for call in calls]
    return found


@pytest.mark.parametrize(("threshold", "longest"), [(0.3, 3), (0.5, 3), (0.5, 1), (9.0, 2)])
def test_by_change_it_goes_by_how_far_the_input_moved(threshold: float, longest: int) -> None:
    found = drawn(gated(threshold, "change", dense_first=2, longest=longest))
    assert found.chosen == by_change(found.inputs, threshold, 2, longest)
    assert len(found.chosen) < STEPS


@pytest.mark.parametrize("threshold", [0.8, 1.0, 2.0])
def test_by_miss_it_goes_by_what_the_last_forecast_missed(threshold: float) -> None:
    found = drawn(gated(threshold))
    assert found.chosen == by_miss(found.outputs, found.noise, threshold, 3)
    assert len(found.chosen) < STEPS


def test_the_idle_step_is_skipped_and_the_one_before_it_dense() -> None:
    assert drawn(gated(9.0, "change", dense_first=1), "StableDiffusion3Pipeline").chosen == [0, 4, 7]


def test_one_look_a_step_serves_all_guidance_branches() -> None:
    """Wan's pipeline calls its model twice a step; the second call is given the same, and must do as the first."""
    pipeline = TINY["wan"]
    pipe, steps = pipeline.pipe(), Counter[int]()
    with tokred.apply(pipe, gated(0.3, "change", dense_first=1)) as run:
        pipeline.generate(pipe, steps=STEPS)
        steps.update(call.position.step for call in run.report().calls if not call.skipped)
    assert set(steps.values()) == {pipeline.branches}
    assert 1 < len(steps) < STEPS


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"threshold": 0}, "threshold=0 must be a number above 0, such as 0.05"),
        ({"threshold": math.inf}, "threshold=inf must be a number above 0"),
        ({"threshold": "much"}, "threshold='much' must be a number above 0"),
        ({"threshold": 1, "by": "input"}, "by='input' is not watched. Allowed: change, miss"),
        ({"threshold": 1, "longest": 0}, "longest=0 must be an integer of at least 1"),
        ({"threshold": 1, "dense_first": 0}, "dense_first=0 must be an integer of at least 1"),
    ],
)
def test_what_is_no_gate_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Gate(**given)


def test_it_watches_the_model_as_a_whole() -> None:
    with pytest.raises(SpecError, match="Gate.* watches the whole model. Name 'model' among them"):
        replace(gated(0.1), sites=("block",))
