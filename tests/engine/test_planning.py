"""What happens before each model call, in Python, for every site."""

from __future__ import annotations

import cProfile
from typing import Any

import pytest
import torch
from diffusers import FluxTransformer2DModel

import tokred
from tokred.engine.planner import CallPlanner

STEPS, GRID, TEXT = 6, 4, 3


def calls_of_steps(blocks: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[int]]:
    """Return the number of sites of a Flux of so many single blocks, and of Python calls that plan each step."""
    model = FluxTransformer2DModel(
        num_layers=0, num_single_layers=blocks, attention_head_dim=16, num_attention_heads=1, in_channels=4,
        joint_attention_dim=8, pooled_projection_dim=8, axes_dims_rope=(4, 6, 6),
    ).eval()  # fmt: skip
    ids = torch.cartesian_prod(torch.zeros(1), *[torch.arange(float(GRID))] * 2)
    arguments: dict[str, Any] = {
        "hidden_states": torch.randn(1, GRID**2, 4),
        "encoder_hidden_states": torch.randn(1, TEXT, 8),
        "pooled_projections": torch.randn(1, 8),
        "timestep": torch.ones(1),
        "img_ids": ids,
        "txt_ids": torch.zeros(TEXT, 3),
    }
    counts, original = [], CallPlanner._prepare_call

    def counted(planner: CallPlanner, *given: Any) -> None:
        with cProfile.Profile() as profile:
            original(planner, *given)
        counts.append(sum(entry.callcount for entry in profile.getstats()))

    with monkeypatch.context() as patched, tokred.apply(model, "dito", ratio=0.5) as run, torch.no_grad():
        patched.setattr(CallPlanner, "_prepare_call", counted)
        for index in range(STEPS):
            with tokred.step(index, STEPS):
                model(**arguments)
        return len(run.sites), counts


def test_planning_takes_few_python_calls_for_each_site(monkeypatch: pytest.MonkeyPatch) -> None:
    (few, shallow), (many, deep) = (calls_of_steps(blocks, monkeypatch) for blocks in (2, 12))
    each = [(more - less) / (many - few) for less, more in zip(shallow, deep, strict=True)]
    assert max(each[3::2]) <= 32, "reduce"
    assert max(each[2::2]) <= 48, "match"
