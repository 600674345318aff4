"""What tokred itself costs: `pytest benchmarks --benchmark-only`; compare runs with `--benchmark-compare`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import DiTTransformer2DModel

import tokred
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
