"""The rivals against what they say they do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from bench.tiny import TinySubject
from families.models import BY_NAME

import tokred
from tokred import SpecError, UnsupportedModel
from tokred.rivals import FewerSteps, Rival, StepCache

STEPS = 7


@pytest.fixture
def subject() -> TinySubject:
    return TinySubject()


def computed_steps(subject: TinySubject, rival: Rival) -> list[int]:
    """Which steps of a generation the model is really computed at, told by its first block."""
    seen: list[int] = []
    scheduler = subject.model.scheduler
    hook = subject.model.transformer.transformer_blocks[0].register_forward_hook(
        lambda *_: seen.append(scheduler.step_index or 0)
    )
    with rival.applied(subject.model):
        subject.generate([0], rival.steps(STEPS))
    hook.remove()
    return seen


@pytest.mark.parametrize(
    ("interval", "dense_first", "steps"),
    [(2, 1, [0, 2, 4, 6]), (3, 1, [0, 3, 6]), (2, 3, [0, 1, 2, 4, 6]), (9, 1, [0])],
)
def test_a_step_cache_computes_the_steps_that_it_says(
    subject: TinySubject, interval: int, dense_first: int, steps: list[int]
) -> None:
    assert computed_steps(subject, StepCache(interval, dense_first)) == steps


def test_a_step_cache_equals_one_written_by_hand(subject: TinySubject, monkeypatch: pytest.MonkeyPatch) -> None:
    with StepCache(interval=3).applied(subject.model):
        cached = [subject.generate([1, 2], STEPS) for _ in range(2)]
    model = subject.model.transformer
    forward, calls, last = model.forward, 0, None

    def by_hand(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls, last
        if calls % 3 == 0:
            last = forward(*args, **kwargs)
        calls += 1
        return last

    monkeypatch.setattr(model, "forward", by_hand)
    expected = subject.generate([1, 2], STEPS)
    assert torch.equal(cached[0], expected)
    assert torch.equal(cached[1], expected), "nothing is left from the generation before"


def test_a_step_cache_leaves_no_trace(subject: TinySubject) -> None:
    model, sampler = dict(vars(subject.model.transformer)), set(vars(subject.model.scheduler))
    with pytest.raises(KeyboardInterrupt), StepCache().applied(subject.model):
        raise KeyboardInterrupt
    assert dict(vars(subject.model.transformer)) == model
    assert set(vars(subject.model.scheduler)) == sampler


@pytest.mark.parametrize(("share", "steps"), [(1.0, 7), (0.5, 4), (0.01, 1)])
def test_fewer_steps_rounds_to_whole_ones(share: float, steps: int) -> None:
    assert FewerSteps(share).steps(STEPS) == steps


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5])
def test_a_share_outside_the_range_is_refused(share: float) -> None:
    with pytest.raises(SpecError, match=rf"share={share} must be above 0 and at most 1"):
        FewerSteps(share)


def test_intervals_outside_the_range_are_refused() -> None:
    with pytest.raises(SpecError, match="interval=1 must be an integer of at least 2"):
        StepCache(interval=1)


@pytest.mark.parametrize(
    ("rival", "message"),
    [
        (FewerSteps(), "fewer_steps takes fewer denoising steps, and VisionTransformer takes none"),
        (StepCache(), "step_cache reuses the output of one denoising step at the next, and VisionTransformer takes"),
    ],
)
def test_a_classifier_has_no_steps(rival: Rival, message: str) -> None:
    model = BY_NAME["vit"].model()
    with pytest.raises(UnsupportedModel, match=rf"{message}.*\. Pass a diffusers pipeline"), rival.applied(model):
        pytest.fail("it was applied")


@pytest.mark.filterwarnings("ignore:tokred")
@pytest.mark.parametrize("family", [BY_NAME["flux"]], ids=str)
def test_a_cache_enabled_over_an_applied_method_works(family: Any) -> None:
    """A diffusers cache is outside: it skips blocks, and what is computed is still reduced."""
    from diffusers import FirstBlockCacheConfig

    model = family.model()
    with tokred.apply(model, "tomesd") as run:
        expected = family.generate(model)
        model.enable_cache(FirstBlockCacheConfig(threshold=0.0))
        with model.cache_context("test"):
            assert torch.equal(family.generate(model), expected), "a threshold of 0 skips nothing"
        assert any(call.removed for call in run.report().calls)
        model.disable_cache()
