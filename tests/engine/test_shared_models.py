"""One model, several pipelines and threads: each generation is what it is alone."""

from __future__ import annotations

import copy
import gc
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from families.models import BY_NAME
from families.pipelines import PIPELINE

import tokred

NAMES = ("DiTPipeline with guidance", "StableDiffusion3Pipeline")
METHODS = (("step_cache", {"interval": 2}), ("dito", {}), ("delta", {}), ("tomesd", {}))


@pytest.fixture
def eager_switches() -> Iterator[None]:
    """Have threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def another(pipe: Any) -> Any:
    """Make another pipeline on the same model, with a scheduler of its own."""
    other = type(pipe)(**{**pipe.components, "scheduler": copy.deepcopy(pipe.scheduler)})
    other.set_progress_bar_config(disable=True)
    return other


def of_request(pipe: Any) -> Any:
    """Copy a pipeline as servers do for each request."""
    other = copy.copy(pipe)
    other.scheduler = copy.deepcopy(pipe.scheduler)
    return other


@pytest.mark.parametrize("make", [another, of_request])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("method", "params"), METHODS[:3])
def test_a_pipeline_with_a_copied_scheduler_draws_as_the_first(
    name: str, method: str, params: dict[str, Any], make: Any
) -> None:
    made = PIPELINE[name]
    pipe = made.build()
    with tokred.apply(pipe, method, **params):
        expected = made.generate(pipe, 6)
        other = make(pipe)
        for drawn in (made.generate(other, 6), made.generate(pipe, 6), made.generate(other, 6)):
            assert torch.equal(drawn, expected)
    assert not {"step", "set_timesteps", "scale_model_input"} & other.scheduler.__dict__.keys()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("method", "params"), METHODS)
def test_threads_draw_what_each_draws_alone(
    name: str, method: str, params: dict[str, Any], eager_switches: None
) -> None:
    made = PIPELINE[name]
    pipe = made.build()
    steps = (4, 5, 7)
    drawn: dict[int, torch.Tensor] = {}
    with tokred.apply(pipe, method, **params):
        alone = {n: made.generate(pipe, n) for n in steps}
        pipes = {n: another(pipe) for n in steps}
        start = threading.Barrier(len(steps))

        def draw(n: int) -> None:
            start.wait()
            drawn[n] = made.generate(pipes[n], n)

        threads = [threading.Thread(target=draw, args=(n,)) for n in steps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert all(torch.equal(drawn[n], alone[n]) for n in steps)


@pytest.mark.parametrize("name", ["dit", "sd3"])
def test_threads_that_say_their_steps_by_hand(name: str, eager_switches: None) -> None:
    family = BY_NAME[name]
    model = family.model()
    drawn: dict[int, torch.Tensor] = {}
    with tokred.apply(model, "step_cache", interval=2):
        alone = {n: family.generate(model, seed=n, steps=n) for n in (4, 6)}
        threads = [
            threading.Thread(target=lambda n=n: drawn.update({n: family.generate(model, seed=n, steps=n)}))  # type: ignore[misc]
            for n in alone
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert all(torch.equal(drawn[n], alone[n]) for n in alone)


def test_one_generation_inside_another() -> None:
    """As from a callback."""
    made = PIPELINE["StableDiffusion3Pipeline"]
    pipe = made.build()
    with tokred.apply(pipe, "step_cache", interval=2):
        expected = made.generate(pipe, 6)
        other = another(pipe)

        def inner(pipe: Any, index: int, t: Any, given: dict[str, Any]) -> dict[str, Any]:
            if index == 2:
                assert torch.equal(made.generate(other, 6), expected)
            return given

        assert torch.equal(made.generate(pipe, 6, callback_on_step_end=inner), expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_call_of_no_known_generation_is_dense_and_said(name: str) -> None:
    made = PIPELINE[name]
    pipe = made.build()
    dense = made.generate(pipe, 5)
    stranger = type(pipe)(**{**pipe.components, "scheduler": type(pipe.scheduler).from_config(pipe.scheduler.config)})
    stranger.set_progress_bar_config(disable=True)
    with tokred.apply(pipe, "step_cache", interval=2) as run:
        expected = made.generate(pipe, 5)
        with pytest.warns(UserWarning, match="nothing is reduced, the denoising step is not known"):
            assert torch.equal(made.generate(stranger, 5), dense)
        assert run.report().unplanned >= 5
        assert torch.equal(made.generate(pipe, 5), expected)


def test_memory_does_not_grow_with_generations_and_copies() -> None:
    made = PIPELINE["DiTPipeline"]
    pipe = made.build()

    def held() -> int:
        gc.collect()
        return sum(isinstance(thing, torch.Tensor) for thing in gc.get_objects())

    with tokred.apply(pipe, "step_cache", interval=2):
        made.generate(another(pipe), 4)
        before = held()
        for _ in range(4):
            made.generate(another(pipe), 4)
        assert held() <= before


@pytest.mark.parametrize("name", ["dit", "sd3"])
def test_a_call_that_fails_lets_other_threads_go_on(name: str) -> None:
    family = BY_NAME[name]
    model = family.model()
    done: list[torch.Tensor] = []
    with tokred.apply(model, "dito"):
        arguments = family.arguments(model, 0)
        arguments["hidden_states"] = arguments["hidden_states"][:, :1]
        with pytest.raises((RuntimeError, TypeError, ValueError)), tokred.step(0, 4):
            family.run(model, arguments)
        thread = threading.Thread(target=lambda: done.append(family.generate(model)), daemon=True)
        thread.start()
        thread.join(60)
    assert done
