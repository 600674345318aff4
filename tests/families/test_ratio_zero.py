"""A ratio of 0 changes no bit, and a ratio above it does change something."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from families.models import DIFFUSERS, Family
from torch import nn

import tokred

EVERY_CALL = {"tomesd": {}, "random": {}, "random-block": {"sites": ("block",)}, "tomesd-mlp": {"sites": ("mlp",)}}
REUSING = {"dito": {}, "dito-block": {"sites": ("block",)}, "dito-attn": {"sites": ("attn",)}}


def generate_with(family: Family, model: nn.Module, method: str, ratio: float, **params: Any) -> torch.Tensor:
    with tokred.apply(model, method, ratio=ratio, **params) as run:
        generated = family.generate(model)
        reduced = any(call.removed for call in run.report().calls)
        assert reduced == (ratio > 0)
        run.remove()  # inside the block: the end of it would warn that nothing was reduced
    return generated


@pytest.fixture
def never_patched(family: Family, dtype: torch.dtype) -> torch.Tensor:
    return family.generate(family.model(dtype))


@pytest.mark.parametrize("preset", EVERY_CALL)
@pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
def test_ratio_zero_is_bit_identical(
    family: Family, model: nn.Module, never_patched: torch.Tensor, preset: str
) -> None:
    method, params = preset.split("-")[0], EVERY_CALL[preset]
    assert torch.equal(generate_with(family, model, method, 0.0, **params), never_patched)
    assert not torch.equal(generate_with(family, model, method, 0.5, **params), never_patched)


@pytest.mark.parametrize("preset", REUSING)
@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
@pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
def test_ratio_zero_is_bit_identical_where_pairs_are_reused(
    family: Family, model: nn.Module, never_patched: torch.Tensor, preset: str
) -> None:
    assert torch.equal(generate_with(family, model, "dito", 0.0, **REUSING[preset]), never_patched)
    assert not torch.equal(generate_with(family, model, "dito", 0.5, **REUSING[preset]), never_patched)


@pytest.mark.parametrize("keys", ["full", "recovered"])
@pytest.mark.parametrize("family", [f for f in DIFFUSERS if "full" in f.keys], ids=str)
@pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
def test_ratio_zero_is_bit_identical_with_other_keys(
    family: Family, model: nn.Module, never_patched: torch.Tensor, keys: str
) -> None:
    assert torch.equal(generate_with(family, model, "dito", 0.0, keys=keys), never_patched)
    kept = generate_with(family, model, "dito", 0.5)
    assert not torch.equal(generate_with(family, model, "dito", 0.5, keys=keys), kept)
