"""The pipelines of today around the tiny models: each of their denoisers is called, and they draw the same twice."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from families.tiny_pipelines import PIPELINE, PIPELINES, TinyPipeline

import tokred

STEPS = 8


@pytest.mark.parametrize("pipeline", PIPELINES, ids=str)
def test_a_pipeline_calls_its_denoisers(pipeline: TinyPipeline) -> None:
    pipe, calls = pipeline.pipe(), Counter[str]()
    dense = pipeline.generate(pipe, steps=3)
    for name in pipeline.denoisers:
        getattr(pipe, name).register_forward_pre_hook(lambda module, args, name=name: calls.update([name]))
    assert torch.equal(pipeline.generate(pipe, steps=3), dense)
    assert dense.isfinite().all()
    steps = 2 * 3 if pipeline.name == "ideogram4" else 3  # its models are both called in each step
    assert set(calls) == set(pipeline.denoisers)
    assert calls.total() == steps * pipeline.branches


def test_wan22_changes_its_model_on_the_way() -> None:
    pipeline = PIPELINE["wan22"]
    pipe, order = pipeline.pipe(), []
    for name in pipeline.denoisers:
        getattr(pipe, name).register_forward_pre_hook(lambda module, args, name=name: order.append(name))
    pipeline.generate(pipe, steps=4)
    assert order == sorted(order)
    assert len(set(order)) == 2


@pytest.mark.parametrize("pipeline", PIPELINES, ids=str)
def test_a_preset_skips_steps_of_all_its_denoisers(pipeline: TinyPipeline) -> None:
    pipe, computed = pipeline.pipe(), Counter[str]()
    dense = pipeline.generate(pipe, steps=STEPS)
    for name in pipeline.denoisers:
        (inner, *_) = (module for module in getattr(pipe, name).modules() if isinstance(module, torch.nn.Linear))
        inner.register_forward_pre_hook(lambda module, args, name=name: computed.update([name]))
    pipeline.generate(pipe, steps=STEPS)
    every = dict(computed)
    with tokred.apply(pipe, "fast") as run:
        computed.clear()
        drawn = pipeline.generate(pipe, steps=STEPS)
        share = sum(computed.values()) / sum(every.values())
        assert run.report().compute == pytest.approx(share, abs=0.01)
        assert share < 0.9
        assert set(computed) == set(pipeline.denoisers)
        assert torch.equal(pipeline.generate(pipe, steps=STEPS), drawn)
    assert drawn.isfinite().all()
    assert not torch.equal(drawn, dense)
    assert torch.equal(pipeline.generate(pipe, steps=STEPS), dense)
