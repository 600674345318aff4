"""Diffusers' caches against what they should compute, in plain loops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from bench.tiny import TinySubject
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from families.models import blocks_of
from families.pipelines import PIPELINE, PIPELINES, Pipeline

from tokred import SpecError
from tokred.baselines import Calibrated, FirstBlockCache, MagCache, TaylorSeer
from tokred.bench import line_up, run_bench

STEPS = 6
CALLED_ONCE = [PIPELINE[name] for name in ("DiTPipeline", "StableDiffusion3Pipeline", "FluxPipeline")]


@contextmanager
def replaced_forward(model: Any, computed: set[int]) -> Iterator[None]:
    """Compute at some calls; at the others draw a line through the last two outputs, one step after the other."""
    forward, known, call = model.forward, [], 0

    def forecast(*args: Any, **kwargs: Any) -> Any:
        nonlocal call
        now, call = call, call + 1
        if now in computed:
            known.append((now, forward(*args, **kwargs | {"return_dict": False})[0]))
            return Transformer2DModelOutput(known[-1][1])
        last, output = known[-1]
        if len(known) == 1:
            return Transformer2DModelOutput(output)
        before, earlier = known[-2]
        return Transformer2DModelOutput(output + (output - earlier) * (now - last) / (last - before))

    model.forward = forecast
    yield
    del model.forward


@pytest.mark.parametrize(
    ("baseline", "computed"),
    [(TaylorSeer(interval=2, dense_first=2), {0, 1, 3, 5}), (TaylorSeer(interval=3, dense_first=1), {0, 2, 5})],
)
@pytest.mark.parametrize("pipeline", [p for p in PIPELINES if p.branches == 1], ids=str)
def test_taylor_seer_forecasts_the_whole_output(pipeline: Pipeline, baseline: TaylorSeer, computed: set[int]) -> None:
    pipe = pipeline.build()
    with baseline.applied(pipe):
        cached = pipeline.generate(pipe, STEPS)
    with replaced_forward(pipe.transformer, computed):
        expected = pipeline.generate(pipe, STEPS)
    torch.testing.assert_close(cached, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pipeline", [p for p in PIPELINES if p.family not in ("sd3", "sd35")], ids=str)
def test_first_block_cache_without_tolerance_is_dense(pipeline: Pipeline) -> None:
    pipe = pipeline.build()
    dense = pipeline.generate(pipe, STEPS)
    with FirstBlockCache(threshold=0.0).applied(pipe):
        assert torch.equal(pipeline.generate(pipe, STEPS), dense)


def residuals(pipe: Any, pipeline: Pipeline) -> list[torch.Tensor]:
    """Return what all blocks together add to the image tokens, at each step of a dense generation."""
    blocks, inputs, outputs = blocks_of(pipe.transformer), [], []

    def enters(module: Any, args: Any, kwargs: Any) -> None:
        inputs.append(kwargs["hidden_states"] if "hidden_states" in kwargs else args[0])

    def leaves(module: Any, args: Any, output: Any) -> None:
        outputs.append(output[1] if isinstance(output, tuple) else output)

    hooks = [blocks[0].register_forward_pre_hook(enters, with_kwargs=True), blocks[-1].register_forward_hook(leaves)]
    pipeline.generate(pipe, STEPS)
    for hook in hooks:
        hook.remove()
    return [after - before for before, after in zip(inputs, outputs, strict=True)]


@pytest.mark.parametrize("pipeline", CALLED_ONCE, ids=str)
def test_mag_cache_is_calibrated_on_what_the_blocks_add(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = pipeline.build()
    baseline = MagCache(threshold=0.5)
    assert isinstance(baseline, Calibrated)
    found = baseline.calibrated(pipe, lambda: pipeline.generate(pipe, STEPS))
    norms = [residual.norm(dim=-1) for residual in residuals(pipe, pipeline)]
    expected = [1.0, *((norms[i] / norms[i - 1]).mean().item() for i in range(1, STEPS))]
    assert found == MagCache(threshold=0.5, ratios=found.ratios)
    assert found.ratios == pytest.approx(expected, rel=1e-4)
    assert capsys.readouterr().out == ""


def test_mag_cache_says_that_it_is_not_calibrated() -> None:
    pipeline = PIPELINE["DiTPipeline"]
    pipe = pipeline.build()
    message = r"mag_cache has no ratios for this model\. Use what its calibrated\(pipe, generate\) returns"
    with MagCache().applied(pipe), pytest.raises(SpecError, match=message):
        pipeline.generate(pipe, STEPS)


def test_the_benchmark_calibrates_on_samples_that_it_does_not_measure() -> None:
    subject = TinySubject()
    settings = subject.settings(steps=4, samples=2, pairs=1)
    (row,) = run_bench(subject, line_up(subject, ["mag_cache:threshold=100,dense_share=0"]), settings).rows
    calibration = [asked for asked in subject.asked if not set(asked[0]) <= set(settings.seeds)]
    assert calibration == [((2, 3, 4, 5), 4)]
    assert row.compute < 0.9
    assert row.params == {"threshold": 100.0, "dense_share": 0.0}


@pytest.mark.parametrize(
    "text",
    ["first_block_cache:threshold=100", "taylor_seer:interval=2,dense_first=1", "taylor_seer:forecast=attn"],
)
def test_the_benchmark_counts_what_is_skipped(text: str) -> None:
    subject = TinySubject()
    settings = subject.settings(steps=6, samples=1, pairs=1)
    (row,) = run_bench(subject, line_up(subject, [text]), settings).rows
    assert row.compute < 0.95
    assert row.kind == "baseline"
