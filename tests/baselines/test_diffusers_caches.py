"""Diffusers' caches as baselines: which pipelines they accept, that they skip, and that they leave nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from baselines.aborting import aborted
from families.models import BY_NAME
from families.pipelines import PIPELINE, PIPELINES, Pipeline
from torch import nn

import tokred
from tokred import ConflictError, SpecError, UnsupportedModel
from tokred.baselines import Baseline, FasterCache, FirstBlockCache, MagCache, PyramidAttentionBroadcast, TaylorSeer
from tokred.testing.snapshot import changes, snapshot

pytestmark = [
    pytest.mark.filterwarnings("ignore:torch.meshgrid"),  # FasterCache's, of PyTorch
    pytest.mark.filterwarnings("ignore:tokred"),
]

STEPS = 6
KEEN: dict[str, Baseline] = {
    "first_block_cache": FirstBlockCache(threshold=100.0),
    "taylor_seer": TaylorSeer(interval=2, dense_first=1),
    "taylor_seer of attention": TaylorSeer(interval=2, dense_first=1, forecast="attn"),
    "mag_cache": MagCache(threshold=100.0, ratios=(1.0,) * STEPS),
    "pyramid_attention_broadcast": PyramidAttentionBroadcast(interval=2, below=1001.0, above=-1.0),
    "faster_cache": FasterCache(interval=2, below=999.0),
}
"""Each where it skips whatever it may."""
WITHOUT_BRANCHES = ("pyramid_attention_broadcast", "faster_cache")


def accepted(pipeline: Pipeline, name: str) -> bool:
    if name == "first_block_cache" and pipeline.family in ("sd3", "sd35"):
        return False
    return not (name in WITHOUT_BRANCHES and pipeline.branches > 1)


ACCEPTED = [(pipeline, name) for pipeline in PIPELINES for name in KEEN if accepted(pipeline, name)]
REMEMBERING = ("DiTPipeline", "StableDiffusion3Pipeline", "FluxPipeline", "FluxPipeline with true guidance")
each_accepted = pytest.mark.parametrize(("pipeline", "name"), ACCEPTED, ids=str)
simplest = pytest.mark.parametrize(
    ("pipeline", "name"), [(PIPELINE["DiTPipeline"], name) for name in KEEN] + [(PIPELINE["FluxPipeline"], "mag_cache")]
)


@contextmanager
def counted(model: nn.Module) -> Iterator[list[str]]:
    """List the attentions that are computed."""
    calls: list[str] = []
    queries = [(name, module) for name, module in model.named_modules() if name.endswith("to_q")]
    hooks = [m.register_forward_hook(lambda *_, name=name: calls.append(name)) for name, m in queries]
    yield calls
    for hook in hooks:
        hook.remove()


@each_accepted
def test_it_computes_less_and_leaves_nothing_behind(pipeline: Pipeline, name: str) -> None:
    pipe = pipeline.build()
    with counted(pipe.transformer) as dense_calls:
        dense = pipeline.generate(pipe, STEPS)
    before = snapshot(pipe.transformer)  # FluxPipeline leaves an empty registry of hooks without any cache
    with KEEN[name].applied(pipe), counted(pipe.transformer) as calls:
        cached = pipeline.generate(pipe, STEPS)
    assert 0 < len(calls) < len(dense_calls) * 0.9
    assert cached.isfinite().all()
    assert not torch.equal(cached, dense)
    assert changes(before, snapshot(pipe.transformer)) == []
    assert not {"step", "set_timesteps"} & pipe.scheduler.__dict__.keys()
    assert torch.equal(pipeline.generate(pipe, STEPS), dense)


@pytest.mark.parametrize(("pipeline", "name"), [each for each in ACCEPTED if each[0].name in REMEMBERING], ids=str)
def test_nothing_is_remembered_from_one_generation_to_the_next(pipeline: Pipeline, name: str) -> None:
    """Not even where the first one was aborted, had other steps, or drew something else."""
    pipe = pipeline.build()
    with KEEN[name].applied(pipe):
        expected = pipeline.generate(pipe, STEPS)
    with KEEN[name].applied(pipe):
        pipeline.generate(pipe, STEPS - 2)
        with aborted(pipe.transformer, after=3), pytest.raises(KeyboardInterrupt):
            pipeline.generate(pipe, STEPS)
        assert torch.equal(pipeline.generate(pipe, STEPS), expected)
        assert torch.equal(pipeline.generate(pipe, STEPS), expected)


@simplest
def test_an_exception_leaves_the_model_as_it_was(pipeline: Pipeline, name: str) -> None:
    pipe = pipeline.build()
    before = snapshot(pipe.transformer)
    with pytest.raises(KeyboardInterrupt), KEEN[name].applied(pipe), aborted(pipe.transformer, after=3):
        pipeline.generate(pipe, STEPS)
    assert changes(before, snapshot(pipe.transformer)) == []


@pytest.mark.parametrize("name", KEEN)
def test_what_was_wrapped_before_is_put_back(name: str) -> None:
    """A method of tokred, and what an earlier cache of diffusers left."""
    pipeline = PIPELINE["FluxPipeline"]
    pipe = pipeline.build()
    pipe.transformer.enable_cache(tokred.baselines.hosting.make_config("FirstBlockCacheConfig"))
    pipe.transformer.disable_cache()
    with tokred.apply(pipe, "dito", sites=("attn",)):
        reduced, before = pipeline.generate(pipe, STEPS), snapshot(pipe.transformer)
        with KEEN[name].applied(pipe):
            pipeline.generate(pipe, STEPS)
        assert changes(before, snapshot(pipe.transformer)) == []
        assert torch.equal(pipeline.generate(pipe, STEPS), reduced)


@pytest.mark.parametrize("family", ["sd3", "sd35"])
def test_first_block_cache_refuses_a_last_block_without_text(family: str) -> None:
    (pipeline,) = [p for p in PIPELINES if p.family == family]
    pipe = pipeline.build()
    before = snapshot(pipe.transformer)
    message = r"asks every block for text tokens, and the last one of SD3Transformer2DModel returns none\. Use another"
    with pytest.raises(UnsupportedModel, match=message), FirstBlockCache().applied(pipe):
        pytest.fail("it was applied")
    assert changes(before, snapshot(pipe.transformer)) == []


@pytest.mark.parametrize("name", WITHOUT_BRANCHES)
def test_guidance_branches_that_would_be_mixed_are_refused(name: str) -> None:
    pipeline = PIPELINE["FluxPipeline with true guidance"]
    message = rf"{name} has one memory here, and FluxPipeline calls its model twice in a step\. Use a cache that"
    with pytest.raises(UnsupportedModel, match=message), KEEN[name].applied(pipe := pipeline.build()):
        pipeline.generate(pipe, STEPS)


@pytest.mark.parametrize("name", KEEN)
def test_a_classifier_has_no_steps(name: str) -> None:
    message = r"remembers what was computed at other denoising steps, and VisionTransformer takes none"
    with pytest.raises(UnsupportedModel, match=message), KEEN[name].applied(BY_NAME["vit"].model()):
        pytest.fail("it was applied")


class Holder:
    """Looks like a pipeline."""

    def __init__(self, transformer: Any) -> None:
        self.transformer = transformer
        self.scheduler = PIPELINE["FluxPipeline"].build().scheduler


def test_a_pipeline_without_a_transformer_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="Holder has no transformer, which is what diffusers' caches work on"):
        PyramidAttentionBroadcast().applied(Holder(None)).__enter__()


@pytest.mark.parametrize(
    ("baseline", "why"),
    [
        (TaylorSeer(), r"a module called proj_out returns, and Sequential has none\. Use forecast='attn'"),
        (FirstBlockCache(), "cannot enable FirstBlockCacheConfig on Sequential: pop from empty list"),
        (PyramidAttentionBroadcast(), "cannot enable .* on Sequential: it finds nothing in the model to cache"),
        (TaylorSeer(forecast="attn"), "cannot enable .* on Sequential: it finds nothing in the model to cache"),
    ],
)
def test_a_model_that_diffusers_does_not_know_is_refused(baseline: Baseline, why: str) -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    before = snapshot(model)
    with pytest.raises(UnsupportedModel, match=why), baseline.applied(Holder(model)):
        pytest.fail("it was applied")
    assert changes(before, snapshot(model)) == []


def test_a_cache_that_diffusers_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diffusers.TaylorSeerCacheConfig", None)
    with pytest.raises(UnsupportedModel, match=r"diffusers \S+ has no TaylorSeerCacheConfig\. Install a newer one"):
        TaylorSeer().applied(PIPELINE["FluxPipeline"].build()).__enter__()


def test_one_cache_at_a_time() -> None:
    pipe = PIPELINE["DiTPipeline"].build()
    message = r"A cache is enabled on this DiTTransformer2DModel already\. Call disable_cache\(\) first"
    with TaylorSeer().applied(pipe), pytest.raises(ConflictError, match=message), FirstBlockCache().applied(pipe):
        pytest.fail("both were applied")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: FirstBlockCache(threshold=-0.1), r"threshold=-0\.1 must be at least 0: up to that change"),
        (lambda: TaylorSeer(interval=1), "interval=1 must be an integer of at least 2"),
        (lambda: TaylorSeer(dense_first=0), "dense_first=0 must be an integer of at least 1"),
        (lambda: TaylorSeer(order=-1), "order=-1 must be an integer of at least 0"),
        (lambda: TaylorSeer(forecast="mlp"), "forecast='mlp' must be one of: model, attn"),
        (lambda: MagCache(threshold=float("nan")), "threshold=nan must be at least 0: up to that error"),
        (lambda: MagCache(most=0), "most=0 must be an integer of at least 1"),
        (lambda: MagCache(dense_share=1.5), r"dense_share=1\.5 must be in \[0, 1\]"),
        (lambda: PyramidAttentionBroadcast(interval=1), "interval=1 must be an integer of at least 2"),
        (lambda: FasterCache(guidance_interval=1), "guidance_interval=1 must be an integer of at least 2"),
    ],
)
def test_parameters_out_of_range(build: Callable[[], Baseline], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build()


@pytest.mark.parametrize("baseline", KEEN.values(), ids=KEEN)
def test_all_steps_are_taken(baseline: Baseline) -> None:
    assert baseline.steps(STEPS) == STEPS
