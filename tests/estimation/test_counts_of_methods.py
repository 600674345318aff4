"""What each method asks of a CUDA device that is not there: nothing that waits for it, and few operations."""

from __future__ import annotations

import functools

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from tokred.bench.contender import parse_contenders
from tokred.estimation.asked import find_model
from tokred.estimation.counting import Counter, Work
from tokred.estimation.counts import count
from tokred.estimation.released import pretended
from tokred.registry import components

STEPS = 8
ONCE = 6
"""Operations of a call, not of a site, such as telling the time."""
WRITTEN = {"step_cache": "step_cache:interval=2"}
CLASSIFIERS = {"tome", "evit", "ats", "atc", "token_pooling", "kff", "diffrate", "pitome"}
UNTRIED = {
    "dynamicvit": "its weights are for tokens of another width",
    "reference_cache": "it needs a reference",
    "region_edit": "it needs a reference",
}
METHODS = sorted({found.component.name for found in components("method")} - set(UNTRIED))


@functools.cache
def counted(model: str, method: str = "") -> dict[str, Work]:
    """Count what each phase of a method asks for on a model at tiny size; what the dense model does where none is."""
    real = find_model(model)
    steps, pixels = (1, 224) if real.family == "vit" else (STEPS, 256)
    return count(pretended(real, pixels, steps, tiny=True), parse_contenders([method])[0] if method else None).work


@pytest.mark.parametrize("name", METHODS)
def test_no_phase_of_any_method_waits_for_the_device(name: str) -> None:
    # What a value decides, such as `.item()` or a size, cannot be had of a fake tensor, and ends in an error.
    found = counted("vit-l-16" if name in CLASSIFIERS else "dit-xl-2", WRITTEN.get(name, name))
    assert sum(work.waits for work in found.values()) == 0
    assert all(work.sent == 0 for phase, work in found.items() if "match" not in phase)


def test_reading_a_tensor_is_seen_as_waiting() -> None:
    with FakeTensorMode(), Counter() as counter:
        x = torch.empty(4, device="cuda")
        x.cpu()
        torch.ones(2).to("cuda")
    assert (counter.work.waits, counter.work.sent) == (1, 1)


@pytest.mark.parametrize(
    ("model", "method", "phase", "sites", "most"),
    [
        ("dit-xl-2", "dito", "reduce", 4, 2),
        ("dit-xl-2", "dito", "match", 4, 12),
        ("dit-xl-2", "delta", "reduce", 4, 8),
        ("dit-xl-2", "delta", "dense", 4, 8),
        ("flux-dev", "dito", "match", 3, 12),
        ("flux-dev", "dito", "reduce", 3, 3),
        ("flux-dev", "dito:share=1", "reduce", 3, 3),
        ("sd3.5-medium", "dito", "reduce", 5, 2),
        ("dit-xl-2", "balanced", "dense", 1, 9),
    ],
)
def test_a_site_adds_few_operations(model: str, method: str, phase: str, sites: int, most: int) -> None:
    added = counted(model, method)[phase].operations - counted(model)["dense"].operations
    assert added <= sites * most + ONCE
