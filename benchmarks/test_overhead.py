"""What tokred itself costs: `pytest benchmarks --benchmark-only`; compare runs with `--benchmark-compare`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import DiTTransformer2DModel, FluxTransformer2DModel

import tokred
from tokred.engine.planner import CallPlanner
from tokred.interfaces import Time
from tokred.parts import Copy, Cosine, GridMatcher

TOKENS, CHANNELS, REMOVED = (32, 32), 256, 512


@pytest.fixture
def model() -> DiTTransformer2DModel:
    return DiTTransformer2DModel(
        num_attention_heads=4,
        attention_head_dim=16,
        in_channels=3,
        num_layers=8,
        sample_size=16,
        patch_size=2,
        num_embeds_ada_norm=2,
    ).eval()


@pytest.mark.parametrize("attached", [False, True], ids=["never patched", "patched at ratio 0"])
@torch.no_grad()
def test_idle(benchmark: Any, model: DiTTransformer2DModel, attached: bool) -> None:
    x, t, y = torch.randn(1, 3, 16, 16), torch.tensor([500]), torch.tensor([0])
    if attached:
        tokred.apply(model, "tomesd", ratio=0.0)
    benchmark(lambda: model(x, timestep=t, class_labels=y))


@torch.no_grad()
def test_match(benchmark: Any) -> None:
    layout, matcher = tokred.Layout((TOKENS,)), GridMatcher()
    x = torch.randn(1, layout.image, CHANNELS)
    draw = matcher.draw(layout, REMOVED, torch.Generator())
    benchmark(lambda: matcher.match(x, draw, REMOVED, Cosine(), {}))


@pytest.mark.parametrize("mode", ["prune", "mean"])
@torch.no_grad()
def test_merge_and_recover(benchmark: Any, mode: tokred.MergeMode) -> None:
    layout, matcher = tokred.Layout((TOKENS,)), GridMatcher()
    x = torch.randn(1, layout.image, CHANNELS)
    reduction = matcher.match(x, matcher.draw(layout, REMOVED, torch.Generator()), REMOVED, Cosine(), {})
    benchmark(lambda: Copy().recover(reduction.merge(x, mode), reduction, {}, Time.at(torch.zeros(()))))


@pytest.mark.parametrize("phase", ["match", "reduce"])
@torch.no_grad()
def test_plan(benchmark: Any, phase: str) -> None:
    """Plan a step of a Flux of full depth, 76 sites, at 1024 x 1024 pixels; the model is not there and not called.

    What it would be called with is there: operations on meta tensors run in Python, and would be most of the time.
    """
    with torch.device("meta"):
        model = FluxTransformer2DModel().eval()
    sizes = {"hidden_states": (1, 4096, 64), "encoder_hidden_states": (1, 512, 4096)}
    arguments = {name: torch.empty(size, dtype=torch.bfloat16) for name, size in sizes.items()}
    arguments["img_ids"] = torch.cartesian_prod(torch.zeros(1), *[torch.arange(64.0)] * 2)
    tokred.apply(model, "dito", ratio=0.5)
    planner = next(hook for hook in model._forward_pre_hooks.values() if isinstance(hook, CallPlanner))
    kept, assign = (torch.zeros(1, tokens, dtype=torch.long) for tokens in (2048, 4096))
    indices, steps = iter(range(1000)), 1000

    def plan() -> None:
        with tokred.step(next(indices), steps):
            planner(model, (), arguments)

    def end() -> None:
        for match in (match for group in planner.groups for match in group.states.values()):
            match.reduction = tokred.Reduction(kept, assign)
        planner.left(model, (), None)

    def lead_up() -> None:
        end()
        plan()
        end()

    if phase == "match":  # else the first step, which matches, leads up to a reduced one
        plan()
    benchmark.pedantic(plan, setup=lead_up, rounds=200)
