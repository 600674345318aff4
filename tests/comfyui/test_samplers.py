"""Calls, steps and noise of ComfyUI's samplers, from the sigmas that they ask the model for."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from comfy_samplers import BEGIN, END, PAGE, SAMPLERS, STEPS, seen_of, table

from tokred.parts import Program
from tokred.parts.program import idle_steps
from tokred_comfy.branches import BranchNames
from tokred_comfy.noise_levels import NoiseLevels

FOLLOWED = [sampler for sampler in SAMPLERS if sampler != "dpm_adaptive"]
BALANCED = Program("D D/9 *(1 1 D) D/15 I")


def step_of(sigmas: list[float], sigma: float) -> int:
    """Return the last step whose noise level is not below `sigma`, by plain comparison."""
    return max(step for step in range(STEPS) if sigmas[step] >= sigma * (1 - 1e-4)) if sigma < sigmas[0] else 0


def expected(steps: list[int], noise: tuple[float, ...]) -> list[bool]:
    """Say which calls are skipped: those of the steps that `balanced` skips, once there is one like it to carry on."""
    program = BALANCED.steps(STEPS, idle_steps(noise))
    seen: set[int] = set()
    calls: Counter[int] = Counter()
    skipped = []
    for step in steps:
        skipped.append(program[step] == "1" and calls[step] in seen)
        if not skipped[-1]:
            seen.add(calls[step])
        calls[step] += 1
    return skipped


@pytest.mark.parametrize("sampler", FOLLOWED)
@pytest.mark.parametrize("model", ["flux", "sdxl"])
def test_each_call_is_at_the_step_and_noise_that_its_sigma_says(sampler: str, model: str) -> None:
    seen = seen_of(model, sampler)
    assert len(seen.sigmas) == STEPS + 1
    assert len(seen.calls) == len(seen.asked)
    steps = [step_of(seen.sigmas, sigma) for sigma in seen.asked]
    assert [call.position.step for call in seen.calls] == steps
    share = (lambda sigma: sigma) if model == "flux" else (lambda sigma: sigma / (1 + sigma))
    assert [call.position.time for call in seen.calls] == pytest.approx([share(sigma) for sigma in seen.asked])
    assert [call.skipped for call in seen.calls] == expected(steps, tuple(map(share, seen.sigmas[:-1])))
    assert seen.computed == sum(not call.skipped for call in seen.calls)


def test_the_page_shows_what_the_samplers_do() -> None:
    shown = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert shown == table(), "run `make comfy-table`"


LEVELS = [1.0, 0.75, 0.5, 0.25, 0.0]


@pytest.mark.parametrize(
    ("sigma", "step"), [(2.0, 0), (1.0, 0), (0.8, 0), (0.75, 1), (0.75 * (1 + 1e-6), 1), (0.6, 1), (0.3, 2), (0.0, 3)]
)
def test_a_sigma_between_two_levels_belongs_to_the_upper_one(sigma: float, step: int) -> None:
    assert NoiseLevels(LEVELS).step(sigma) == step


@pytest.mark.parametrize(
    ("sigmas", "kept"),
    [
        ([1.0, 0.75, 0.5, 0.25], [True] * 4),
        ([1.0, 0.75, 0.75, 0.5, 0.5, 0.25], [True] * 6),  # Heun
        ([1.0, 0.75, 0.5, 0.75, 0.5, 0.25, 0.5], [True] * 7),  # Heun that looks two levels ahead
        ([1.0, 0.9, 0.75, 0.6], [True] * 4),  # at midpoints
        ([1.0, 0.9, 0.7], [True, True, False]),
        ([0.99], [True]),  # the first level alone may be shifted, as samplers of SDEs do
    ],
)
def test_a_sampler_keeps_to_its_levels_or_not(sigmas: list[float], kept: list[bool]) -> None:
    levels = NoiseLevels(LEVELS)
    assert [levels.kept_to(sigma) for sigma in sigmas] == kept


def options(kinds: list[int], uuids: list[str], **more: Any) -> dict[str, Any]:
    return {"cond_or_uncond": kinds, "uuids": uuids, **more}


def test_parts_of_a_batch_are_named_by_what_they_are_guided_by() -> None:
    window = SimpleNamespace(index_list=[0, 1, 2])
    names = BranchNames()
    assert names.names(0, options([1, 0], ["a", "b"])) == ("uncond", "cond")
    assert names.names(0, options([0], ["b"])) == ("cond, call 1",)
    assert names.names(1, options([0], ["b"])) == ("cond",)
    assert names.names(1, options([0, 0], ["c", "b"])) == ("cond (2)", "cond, call 1")
    assert names.names(1, options([0], ["b"], context_window=window)) == ("cond (3)",)
    assert names.names(2, options([2], ["d"])) == ("guide 2",)
