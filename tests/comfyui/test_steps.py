"""Presets in ComfyUI's own samplers."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import comfy.samplers
import pytest
import torch
from comfy_tiny import FLUX, MODELS, Tiny, draw

import tokred
from tokred.interfaces import Phase
from tokred.parts.program import IDLE_NOISE
from tokred.registry import build_method
from tokred.testing.snapshot import changes, snapshot
from tokred_comfy.limits import limited
from tokred_comfy.patching import drawn_with, sped_up


def balanced(model: Any) -> Any:
    return sped_up(model, build_method("balanced", {}))


@contextmanager
def counted(model: Any) -> Iterator[list[int]]:
    """Note the batch of each call that reaches the network's blocks."""
    network, batches = model.model.diffusion_model, []
    first = network.img_in if hasattr(network, "img_in") else next(iter(network.children()))
    hook = first.register_forward_hook(lambda module, args, output: batches.append(len(output)))
    try:
        yield batches
    finally:
        hook.remove()


@pytest.mark.parametrize("name", MODELS)
def test_balanced_computes_half_of_the_calls_of_any_model_or_one_less(name: str) -> None:
    """The schedule "normal" ends on next to no noise, where models are flows."""
    tiny = MODELS[name]
    model = tiny.patcher()
    faster, dense = balanced(model), draw(tiny, model)
    picture = draw(tiny, faster)
    report = drawn_with(faster).report
    assert report is not None
    idle = report.calls[-1].position.time <= IDLE_NOISE
    assert [call.skipped for call in report.calls].count(True) == len(report.calls) / 2 + idle == 10 + idle
    assert report.model == type(model.model.diffusion_model).__name__
    assert not torch.equal(picture, dense)
    assert torch.equal(draw(tiny, model), dense), "the model that was cloned is as it was"


def by_hand(tiny: Tiny, model: Any, steps: int, cfg: float, seed: int) -> torch.Tensor:
    """Draw by Euler's rule in a loop of our own, from ComfyUI's schedule and model."""
    inner, empty = model.model, tiny.empty()
    sigmas = comfy.samplers.calculate_sigmas(inner.model_sampling, "normal", steps)
    noise = torch.randn(empty.shape, generator=torch.manual_seed(seed))
    x = inner.model_sampling.noise_scaling(sigmas[0], noise, empty, True)
    conditions = [tiny.conditions(3)[0], tiny.conditions(2)[0]]
    text = torch.cat([tokens for tokens, _ in conditions])
    pooled = torch.cat([more["pooled_output"] for _, more in conditions])
    guidance = torch.full((2,), 3.5)
    with tokred.apply(inner.diffusion_model, "balanced") as run, torch.no_grad():
        for step in range(steps):
            sigma = sigmas[step]
            with tokred.step(step, steps, noise=sigmas[:-1].tolist()):
                both = inner.apply_model(
                    torch.cat([x, x]), sigma.expand(2), c_crossattn=text, y=pooled, guidance=guidance
                )
            uncond, cond = both.chunk(2)
            x = x + (x - (uncond + (cond - uncond) * cfg)) / sigma * (sigmas[step + 1] - sigma)
        assert run.report().compute == pytest.approx(0.45)
    return inner.process_latent_out(x / (1 - sigmas[-1]))


def test_pictures_are_those_of_a_loop_written_by_hand() -> None:
    model = FLUX.patcher()
    torch.testing.assert_close(draw(FLUX, balanced(model), cfg=3.0, seed=7), by_hand(FLUX, model, 20, 3.0, 7))


def test_nothing_is_changed_by_no_strength_no_steps_and_a_removed_node() -> None:
    from tokred_comfy import NODE_CLASS_MAPPINGS

    model = FLUX.patcher()
    dense, before = draw(FLUX, model), snapshot(model.model)
    output = NODE_CLASS_MAPPINGS["TokredSpeedUp"].execute(model, "balanced", 0.0, 0.0, 1.0)
    assert output[0] is model
    one_step = limited(build_method("balanced", {}), 0.0, 0.05, 1.0)  # the first step, which is dense
    assert torch.equal(draw(FLUX, sped_up(model, one_step)), dense)
    draw(FLUX, balanced(model))
    assert torch.equal(draw(FLUX, model), dense)
    assert changes(before, snapshot(model.model)) == []


@pytest.mark.parametrize(("strength", "skipped"), [(1.0, 11), (0.5, 5), (0.1, 1)])
def test_strength_is_the_share_of_skipped_steps_that_are_skipped(strength: float, skipped: int) -> None:
    faster = sped_up(FLUX.patcher(), limited(build_method("balanced", {}), 0.0, 1.0, strength))
    draw(FLUX, faster)
    report = drawn_with(faster).report
    assert report is not None
    assert sum(call.skipped for call in report.calls) == skipped


def test_start_and_end_are_shares_of_the_steps() -> None:
    faster = sped_up(FLUX.patcher(), limited(build_method("fast", {}), 0.25, 0.5, 1.0))
    draw(FLUX, faster)
    report = drawn_with(faster).report
    assert report is not None
    skipped = {call.position.step for call in report.calls if call.phase is Phase.REDUCE}
    assert skipped
    assert skipped <= set(range(5, 10))


def test_branches_are_remembered_apart_however_they_are_batched(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FLUX.patcher()
    together = draw(FLUX, balanced(model))
    calls: list[int] = []

    def scarce(*args: Any, **kwargs: Any) -> float:
        calls.append(1)
        return 1e30 if len(calls) % 7 < 3 else 0.0  # too much for both at once, now and then

    monkeypatch.setattr(model.model, "memory_required", scarce)
    faster = balanced(model)
    with counted(model) as batches:
        mixed = draw(FLUX, faster)
    assert set(batches) == {1, 2}
    assert sum(batches) == 18, "nine steps of two branches each"
    torch.testing.assert_close(mixed, together)


def test_a_condition_that_holds_for_a_part_of_the_steps() -> None:
    model = FLUX.patcher()
    tokens, pooled = FLUX.conditions(2)[0]
    first = [tokens, {**pooled, "end_percent": 0.5}]
    later = [tokens.flip(1), {**pooled, "start_percent": 0.5}]
    faster = balanced(model)
    noise = comfy.sample.prepare_noise(FLUX.empty(), 1)
    picture = comfy.sample.sample(
        faster, noise, 20, 3.0, "euler", "normal", [first, later], FLUX.conditions(3), FLUX.empty(), disable_pbar=True
    )
    report = drawn_with(faster).report
    assert report is not None
    assert picture.isfinite().all()
    assert {call.position.branch for call in report.calls} == {"uncond + cond", "uncond + cond (2)"}
    joined = next(call for call in report.calls if call.position.branch.endswith("(2)"))
    assert not joined.skipped, "the condition is new there, and nothing is known of it"


def test_a_sampling_that_is_interrupted_leaves_nothing_behind() -> None:
    model = FLUX.patcher()
    faster = balanced(model)
    whole, before = draw(FLUX, faster), snapshot(model.model)

    def interrupt(step: int, *_: Any) -> None:
        if step == 7:
            raise comfy.model_management.InterruptProcessingException

    with pytest.raises(comfy.model_management.InterruptProcessingException):
        draw(FLUX, faster, callback=interrupt)
    assert changes(before, snapshot(model.model)) == []
    report = drawn_with(faster).report
    assert report is not None
    assert {call.position.step for call in report.calls} == set(range(8))
    assert torch.equal(draw(FLUX, faster), whole)


CHANGES: dict[str, Callable[[Any], Any]] = {
    "another batch": lambda model: draw(FLUX, model, batch=3),
    "another number of steps": lambda model: draw(FLUX, model, steps=7),
    "the later steps alone": lambda model: draw(FLUX, model, start_step=9),
    "the earlier steps alone": lambda model: draw(FLUX, model, last_step=9),
    "no guidance": lambda model: draw(FLUX, model, cfg=1.0),
    "another sampler": lambda model: draw(FLUX, model, sampler="heun"),
    "a weaker start": lambda model: draw(FLUX, model, denoise=0.5),
}


def test_every_sampling_begins_anew() -> None:
    model = FLUX.patcher()
    alone = {name: change(balanced(model)) for name, change in CHANGES.items()}
    shared = balanced(model)
    for name in [*CHANGES, *reversed(CHANGES)]:
        assert torch.equal(CHANGES[name](shared), alone[name]), name


def test_two_branches_of_a_workflow_share_nothing() -> None:
    model = FLUX.patcher()
    dense, faster = draw(FLUX, model), draw(FLUX, balanced(model))
    quality = draw(FLUX, sped_up(model, build_method("quality", {})))
    branches = [(model, dense), (balanced(model), faster), (sped_up(model, build_method("quality", {})), quality)]
    for branch, alone in [*branches, *reversed(branches)]:
        assert torch.equal(draw(FLUX, branch), alone)


def test_what_a_later_node_makes_of_the_model_is_sped_up_and_reported_by_itself() -> None:
    faster = balanced(FLUX.patcher())
    later = faster.clone()
    draw(FLUX, later, steps=10)
    report = drawn_with(later).report
    assert report is not None
    assert report.calls[0].position.steps == 10
    assert drawn_with(faster).report is None


def test_other_wrappers_of_the_model_are_called_as_well() -> None:
    model, seen = FLUX.patcher(), []

    def wrapper(apply_model: Any, given: dict[str, Any]) -> Any:
        seen.append(given["cond_or_uncond"])
        return apply_model(given["input"], given["timestep"], **given["c"])

    model.set_model_unet_function_wrapper(wrapper)
    faster = balanced(model)
    with counted(model) as batches:
        draw(FLUX, faster)
    assert len(seen) == 20
    assert len(batches) == 9


def growth(model: Any) -> Counter[str]:
    """Return what 50 more samplings leave behind, by type; tensors with all that they hold."""

    def held() -> Counter[str]:
        gc.collect()
        things = gc.get_objects()
        numbers = sum(thing.numel() for thing in things if isinstance(thing, torch.Tensor))
        return Counter(type(thing).__name__ for thing in things) + Counter(numbers=numbers)

    for _ in range(3):
        draw(FLUX, model, steps=2, cfg=1.0)
    before = held()
    for _ in range(50):
        draw(FLUX, model, steps=2, cfg=1.0)
    return held() - before


def test_fifty_runs_leave_no_more_than_one() -> None:
    model = FLUX.patcher()
    plain = growth(model.clone())  # ComfyUI notes each loading of a model that is a clone, whoever made it
    left = growth(sped_up(model, build_method("step_cache", {})))
    assert not {"Tensor", "Parameter", "numbers"} & left.keys()
    assert max((left - plain).values(), default=0) < 50, "there is nothing for each run"


def test_a_sampler_that_sets_its_own_noise_levels_is_left_alone() -> None:
    model = FLUX.patcher()
    faster = balanced(model)
    assert torch.equal(draw(FLUX, faster, sampler="dpm_adaptive"), draw(FLUX, model, sampler="dpm_adaptive"))
    assert "chooses noise levels of its own" in drawn_with(faster).text


def test_a_model_is_sped_up_once() -> None:
    with pytest.raises(tokred.ConflictError, match="sped up by tokred already"):
        balanced(balanced(FLUX.patcher()))
