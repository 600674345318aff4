"""DBCache against cache-dit as its users enable it: what is drawn, what is refused, and that nothing is left behind."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from baselines.aborting import aborted
from bench.tiny import TinySubject
from diffusers import CogVideoXPipeline
from families.models import BY_NAME
from families.pipelines import PIPELINE, PIPELINES, Pipeline

import tokred
from tokred.baselines import DBCache, TaylorSeer
from tokred.bench import line_up, run_bench
from tokred.errors import ConflictError, MissingPackage, SpecError, UnsupportedModel
from tokred.testing.snapshot import changes, snapshot

STEPS = 8
KEEN = DBCache(threshold=1.0, dense_first=2, longest=2, order=1)


@pytest.fixture
def cache_dit() -> Any:
    return pytest.importorskip("cache_dit", reason="cache-dit is not installed: pip install 'tokred[cache-dit]'")


@contextmanager
def as_users_do(cache_dit: Any, pipe: Any, calibrator: Any = None, **config: Any) -> Iterator[None]:
    made = cache_dit.DBCacheConfig(**config)
    cache_dit.enable_cache(pipe, cache_config=made, calibrator_config=calibrator)
    yield
    cache_dit.disable_cache(pipe)


@pytest.mark.parametrize("pipeline", PIPELINES, ids=str)
def test_it_draws_what_cache_dit_draws_and_leaves_nothing_behind(pipeline: Pipeline, cache_dit: Any) -> None:
    """Also after a generation that was aborted, and one of other steps."""
    pipe = pipeline.build()
    dense = pipeline.generate(pipe, STEPS)
    before, order = snapshot(pipe.transformer), list(pipe.transformer.state_dict())
    with KEEN.applied(pipe):
        pipeline.generate(pipe, STEPS - 2)
        with aborted(pipe.transformer, after=3), pytest.raises(KeyboardInterrupt):
            pipeline.generate(pipe, STEPS)
        cached = [pipeline.generate(pipe, STEPS) for _ in range(2)]
    assert changes(before, snapshot(pipe.transformer)) == []
    assert list(pipe.transformer.state_dict()) == order
    assert not {"step", "set_timesteps"} & pipe.scheduler.__dict__.keys()
    assert torch.equal(pipeline.generate(pipe, STEPS), dense)

    text = pipeline.family not in ("sd3", "sd35")  # cache-dit would look for text that their last block does not return
    calibrator = cache_dit.TaylorSeerCalibratorConfig(taylorseer_order=1, enable_encoder_calibrator=text)
    said = {"Fn_compute_blocks": 1, "max_warmup_steps": 2, "max_continuous_cached_steps": 2}
    branches = {"enable_separate_cfg": pipeline.branches == 2}
    with as_users_do(cache_dit, pipe, calibrator, residual_diff_threshold=1.0, **said, **branches):
        expected = pipeline.generate(pipe, STEPS)
    assert torch.equal(cached[0], expected)
    assert torch.equal(cached[1], expected)
    assert not torch.equal(expected, dense)


@contextmanager
def computed(model: torch.nn.Module) -> Iterator[list[tuple[int, str]]]:
    """List the step and list of each block that is computed, where the model is called once in a step."""
    calls: list[tuple[int, str]] = []
    step = -1

    def next_step(*_: Any) -> None:
        nonlocal step
        step += 1

    hooks = [model.register_forward_pre_hook(next_step)]
    for name, block in model.named_modules():
        if name.rpartition(".")[0] in ("transformer_blocks", "single_transformer_blocks"):
            hooks.append(block.register_forward_pre_hook(lambda *_, name=name: calls.append((step, name))))
    yield calls
    for hook in hooks:
        hook.remove()


@pytest.mark.parametrize(
    ("baseline", "skipping"),
    [
        (DBCache(threshold=0.0), []),
        (DBCache(threshold=1.0, dense_first=3), [3, 4, 5, 6, 7]),
        (DBCache(threshold=1.0, dense_first=1, longest=1), [1, 3, 5, 7]),
        (DBCache(threshold=1.0, dense_first=1, longest=2, total=3), [1, 2, 4]),
        (DBCache(threshold=1.0, dense_first=1, mask="11010011"), [2, 4, 5]),
        (DBCache(threshold=1.0, mask="11010011"), [4, 5]),
        (DBCache(threshold=1.0, dense_first=1, mask="ultra"), [2, 3, 5, 6]),
        (DBCache(threshold=1.0, dense_first=5, last=1, calibrator="dmd"), [5, 6, 7]),
        (DBCache(threshold=1.0, dense_first=5, first=2, calibrator="foca"), [5, 6, 7]),
    ],
)
def test_which_blocks_are_computed(baseline: DBCache, skipping: list[int], cache_dit: Any) -> None:
    pipeline = PIPELINE["FluxPipeline"]
    pipe = pipeline.build()
    doubles, singles = (len(getattr(pipe.transformer, f"{name}transformer_blocks")) for name in ("", "single_"))
    names = [*(f"transformer_blocks.{i}" for i in range(doubles))]
    names += [*(f"single_transformer_blocks.{i}" for i in range(singles))]
    kept = names[: baseline.first] + names[len(names) - baseline.last :]
    with baseline.applied(pipe), computed(pipe.transformer) as calls:
        pipeline.generate(pipe, STEPS)
    assert calls == [(step, name) for step in range(STEPS) for name in (kept if step in skipping else names)]


def test_the_benchmark_counts_what_is_skipped_and_says_where_nothing_was(cache_dit: Any) -> None:
    subject = TinySubject()
    texts = ["db_cache:threshold=0", "db_cache:threshold=1,dense_first=1"]
    dense, skipped = run_bench(subject, line_up(subject, texts), subject.settings(steps=6, samples=1, pairs=1)).rows
    assert dense.identical
    assert dense.compute == 1.0
    assert 0.5 < skipped.compute < 0.65  # of two blocks one is computed at each step, and both at one in six
    assert not skipped.identical


def test_it_works_over_a_method_that_leaves_the_forward_of_the_model_alone(cache_dit: Any) -> None:
    pipeline = PIPELINE["StableDiffusion3Pipeline"]
    pipe = pipeline.build()
    with tokred.apply(pipe, "tomesd:ratio=0.5") as run:
        reduced, before = pipeline.generate(pipe, STEPS), snapshot(pipe.transformer)
        alone = len(run.report().calls)
        with KEEN.applied(pipe):
            pipeline.generate(pipe, STEPS)
        assert len(run.report().calls) < alone
        assert changes(before, snapshot(pipe.transformer)) == []
        assert torch.equal(pipeline.generate(pipe, STEPS), reduced)


def test_it_does_not_write_over_what_stands_in_for_the_forward(cache_dit: Any) -> None:
    pipe = PIPELINE["FluxPipeline"].build()
    with tokred.apply(pipe, "balanced"):
        before = snapshot(pipe.transformer)
        message = r"stands in for the forward of this FluxTransformer2DModel.*would write over it\. Take that"
        with pytest.raises(ConflictError, match=message), KEEN.applied(pipe):
            pytest.fail("it was applied")
        assert changes(before, snapshot(pipe.transformer)) == []


def test_other_caches_and_methods_see_it(cache_dit: Any) -> None:
    pipe = PIPELINE["DiTPipeline"].build()
    with KEEN.applied(pipe):
        with pytest.raises(ConflictError, match="A cache is enabled on this DiTTransformer2DModel already"):
            TaylorSeer().applied(pipe).__enter__()
        with pytest.raises(ConflictError, match="A cache is enabled on this DiTTransformer2DModel, and would"):
            tokred.apply(pipe, "dito")


def holder(transformer: torch.nn.Module) -> Any:
    return SimpleNamespace(transformer=transformer, scheduler=PIPELINE["FluxPipeline"].build().scheduler)


def test_blocks_are_known_by_the_class_of_the_pipeline_or_the_model(cache_dit: Any) -> None:
    flux, sd3 = (PIPELINE[f"{name}Pipeline"].build().transformer for name in ("Flux", "StableDiffusion3"))
    with KEEN.applied(holder(flux)):
        assert "forward" in vars(flux)
    before = snapshot(sd3)
    message = "does not know SimpleNamespace, nor the blocks of its SD3Transformer2DModel. Use another cache"
    with pytest.raises(UnsupportedModel, match=message), KEEN.applied(holder(sd3)):
        pytest.fail("it was applied")
    assert changes(before, snapshot(sd3)) == []


def test_what_cache_dit_refuses_is_left_as_it_was(cache_dit: Any) -> None:
    pipe = PIPELINE["FluxPipeline"].build()
    other = CogVideoXPipeline.__new__(CogVideoXPipeline)
    vars(other).update(transformer=pipe.transformer, scheduler=pipe.scheduler)
    before = snapshot(pipe.transformer)
    with pytest.raises(UnsupportedModel, match="cache-dit refuses FluxTransformer2DModel: .*allowed classes"):
        KEEN.applied(other).__enter__()
    few = PIPELINE["DiTPipeline"].build()
    with pytest.raises(UnsupportedModel, match="first=1 and last=1 leave none of 2 blocks to skip. Compute fewer"):
        DBCache(last=1).applied(few).__enter__()
    assert changes(before, snapshot(pipe.transformer)) == []


def test_a_third_call_in_a_step_is_refused(cache_dit: Any) -> None:
    pipeline, inputs = PIPELINE["FluxPipeline"], list[dict[str, Any]]()
    pipe = pipeline.build()
    hook = pipe.transformer.register_forward_pre_hook(lambda _, args, kwargs: inputs.append(kwargs), with_kwargs=True)
    pipeline.generate(pipe, 1)
    hook.remove()
    message = "db_cache has two memories here, and FluxPipeline calls its model three times in a step. Use a cache that"
    with KEEN.applied(pipe), pytest.raises(UnsupportedModel, match=message):
        [pipe.transformer(**inputs[0]) for _ in range(3)]


def test_a_mask_of_other_steps_is_refused(cache_dit: Any) -> None:
    pipeline = PIPELINE["DiTPipeline"]
    pipe = pipeline.build()
    with (
        DBCache(mask="1101").applied(pipe),
        pytest.raises(SpecError, match="mask='1101' is of 4 steps, and the generation takes 8"),
    ):
        pipeline.generate(pipe, STEPS)


def test_cache_dit_is_asked_for_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cache_dit", None)
    message = r"This needs cache_dit, which is not installed\. Run: pip install 'tokred\[cache-dit\]'"
    with pytest.raises(MissingPackage, match=message):
        line_up(TinySubject(), ["db_cache:threshold=0.2"])


def test_a_classifier_has_no_steps() -> None:
    with pytest.raises(UnsupportedModel, match=r"db_cache remembers .* and VisionTransformer takes none"):
        KEEN.applied(BY_NAME["vit"].model()).__enter__()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"threshold": float("nan")}, "threshold=nan must be at least 0: below that change"),
        ({"first": 0}, "first=0 must be an integer of at least 1"),
        ({"last": -1}, "last=-1 must be an integer of at least 0"),
        ({"dense_first": 0}, "dense_first=0 must be an integer of at least 1"),
        ({"longest": -1}, "longest=-1 must be an integer of at least 0"),
        ({"total": -1}, "total=-1 must be an integer of at least 0"),
        ({"order": -1}, "order=-1 must be an integer of at least 0"),
        ({"calibrator": "none"}, "calibrator='none' must be one of: taylor, dmd, foca"),
        ({"calibrator": "dmd", "order": 1}, "order=1 is of a Taylor series, and calibrator='dmd' has none"),
        ({"mask": "1x"}, "mask='1x' must be a 0 or 1 for each step, or one of: slow, medium"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        DBCache(**wrong)
