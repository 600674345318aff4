"""Estimates of whole generations, of real classes whose tensors hold nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tokred import SpecError
from tokred.estimate import models
from tokred.estimate.estimate import estimate


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take models at tiny size for those of real size."""
    tiny = tuple(replace(model, config={**model.config, **model.tiny}) for model in models.MODELS)
    monkeypatch.setattr("tokred.estimate.estimate.MODELS", tiny)


@pytest.mark.parametrize("model", ["dit-xl-2", "flux-dev"])
def test_methods_that_match_skip_and_forecast_are_estimated(model: str) -> None:
    dense, *others = estimate(model, ["dito:ratio=0.5,dense_first=2", "delta:ratio=0.75", "balanced"], pixels=256)
    assert dense.steps == {"dense": 28}
    assert all(sum(each.steps.values()) == 28 and len(each.steps) > 1 for each in others)
    assert others[2].steps == {"dense": 13, "reduce": 15}
    assert others[2].seconds < dense.seconds


def test_a_method_that_decides_by_values_is_refused() -> None:
    with pytest.raises(SpecError, match=r"dito .* decides by values that it computes.* tokred bench"):
        estimate("dit-xl-2", ["dito:pmr=0.9"], pixels=256)
