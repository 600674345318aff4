"""Estimates of pipelines, models and released models, none of whose tensors hold anything."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import timm
import torch
from families.tiny_pipelines import PIPELINE, PIPELINES, TinyPipeline

import tokred
from tokred import SpecError, UnsupportedModel
from tokred.estimation import Device, models
from tokred.interfaces import SiteInfo
from tokred.registry import build_method
from tokred.testing.snapshot import changes, snapshot

READ_VALUES = {"mochi", "lumina2"}
"""Whose models read how long a text is off a mask."""
SLOW_HOST = Device("plain", half=1e12, single=1e11, bandwidth=1e11, memory=1e9, start=1e-5)


def estimate(name: str, method: str = "balanced", steps: int = 6, **call: Any) -> tokred.Estimate:
    pipeline = PIPELINE[name]
    return tokred.estimate(pipeline.pipe(), method, steps=steps, **pipeline.arguments() | call)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take models at tiny size for the released ones."""
    tiny = tuple(replace(model, config={**model.config, **model.tiny}) for model in models.MODELS)
    monkeypatch.setattr("tokred.estimation.asked.MODELS", tiny)


def test_a_pipeline_is_left_as_it_was() -> None:
    pipeline = PIPELINE["wan"]
    pipe = pipeline.pipe()
    before, parts = snapshot(pipe.transformer), dict(pipe.components)
    sampler, random = copy.deepcopy(vars(pipe.scheduler)), torch.get_rng_state()
    tokred.estimate(pipe, "dito", steps=6, dtype=torch.bfloat16, **pipeline.arguments())
    assert changes(before, snapshot(pipe.transformer)) == []
    assert pipe.components == parts
    assert repr(vars(pipe.scheduler)) == repr(sampler)
    assert torch.equal(torch.get_rng_state(), random)


def test_all_calls_of_a_step_are_counted() -> None:
    guided, alone = (estimate("wan", guidance_scale=scale).eager.dense for scale in (5.0, 1.0))
    assert guided.operations == 2 * alone.operations


@pytest.mark.slow
@pytest.mark.parametrize("pipeline", PIPELINES, ids=str)
def test_every_pipeline_is_estimated_unless_its_model_reads_values(pipeline: TinyPipeline) -> None:
    if pipeline.name in READ_VALUES:
        with pytest.raises(SpecError, match=r"Model decides by values that it computes.* tokred bench"):
            estimate(pipeline.name)
    else:
        found = estimate(pipeline.name)
        assert found.eager.steps == {"dense": 3, "reduce": 3}
        assert found.eager.speedup > 1.5


@pytest.mark.slow
def test_the_break_even_is_where_an_estimate_of_that_size_turns(small: None) -> None:
    def speedup(pixels: int) -> float:
        found = tokred.estimate("dit-xl-2", "dito", device=SLOW_HOST, height=pixels, width=pixels, steps=4)
        return found.eager.speedup

    found = tokred.estimate("dit-xl-2", "dito", device=SLOW_HOST, height=1024, width=1024, steps=4)
    turns = found.eager.break_even
    assert turns is not None
    assert speedup(turns - 128) < 1 < speedup(turns + 128)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("method", ["dito:ratio=0.5,dense_first=2", "balanced"])
def test_the_phases_are_those_that_are_planned(method: str) -> None:
    scheduler, site = build_method(method, {}).scheduler, SiteInfo("", "block", 0, 1)
    planned = Counter(scheduler.plan(step, 10, site, ()).phase.value for step in range(10))
    assert tokred.estimate("dit-xl-2", method, height=256, width=256, steps=10).eager.steps == planned


def test_a_vision_model_is_shown_a_picture_of_its_size() -> None:
    model = timm.create_model("vit_tiny_patch16_224", img_size=64)
    found = tokred.estimate(model, "tomesd:ratio=0.5", device="t4", dtype=torch.float16)
    assert (found.tokens, found.dtype, found.device) == (16, "float16", "t4")
    assert found.weights == 2 * sum(weight.numel() for weight in model.parameters())
    assert found.compiled.break_even is None


def test_it_is_printed_and_shown_as_a_table() -> None:
    found = estimate("wan", "dito")
    assert "host: " in repr(found)
    assert found._repr_html_().count("<tr>") == 1 + len(found.rows) == 2 * (1 + len(found.eager.steps)) + 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"device": "h20"}, r"device=\'h20\' is not known. Known: h200, .* ends in .json"),
        ({"method": "dto"}, "Unknown method 'dto'.*Did you mean 'dito'"),
        ({"target": "flux"}, "model='flux' is not known. Known: dit-xl-2"),
        ({"height": 63}, "WanPipeline refuses what it is asked for: .*63"),
        ({"size": 63}, "WanPipeline takes no 'size'. It takes: prompt"),
        ({"method": "dito:pmr=0.9"}, "dito matches anew where its pairs have changed"),
    ],
)
def test_what_is_unknown_is_refused_in_a_line(wrong: dict[str, Any], said: str) -> None:
    pipeline = PIPELINE["wan"]
    with pytest.raises(SpecError, match=said):
        tokred.estimate(**{"target": pipeline.pipe(), "method": "dito", "steps": 6} | pipeline.arguments() | wrong)


def test_what_means_nothing_for_a_model_is_refused() -> None:
    model, picture = timm.create_model("vit_tiny_patch16_224", img_size=64), torch.zeros(1, 3, 64, 64)
    with pytest.raises(SpecError, match="steps=4 means nothing for VisionTransformer: it is called once per picture"):
        tokred.estimate(model, "tome", steps=4)
    with pytest.raises(SpecError, match="Leave height and width out: x has a size"):
        tokred.estimate(model, "tome", height=64, x=picture)
    with pytest.raises(SpecError, match="What is WanTransformer3DModel called with.* hidden_states="):
        tokred.estimate(PIPELINE["wan"].pipe().transformer, "dito")
    with pytest.raises(SpecError, match="steps=4 means nothing for vit-l-16"):
        tokred.estimate("vit-l-16", "tome", steps=4)
    with pytest.raises(SpecError, match="flux-dev is estimated for square pictures in bfloat16"):
        tokred.estimate("flux-dev", "dito", height=512, width=1024)


def test_a_pipeline_without_a_sampler_is_refused() -> None:
    pipe = PIPELINE["wan"].pipe()
    pipe.scheduler = None
    with pytest.raises(UnsupportedModel, match="WanPipeline has no sampler"):
        tokred.estimate(pipe, "dito")
