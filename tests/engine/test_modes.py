"""Calls in inference mode, without gradients and with them, mixed as the dense model takes them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from engine.setups import DELTA, DITO, SHARING, STEP_CACHE, TOMESD, Setup
from families.models import BY_NAME, Family
from torch import nn

import tokred
from tokred_adapters.tiny import hosts

SETUPS = (TOMESD, DITO, SHARING, DELTA, STEP_CACHE, Setup("tome"), Setup("tofu"))
MODES = (torch.inference_mode, torch.no_grad, torch.enable_grad)
PAIRS = [
    (BY_NAME[name], setup)
    for name, setups in (("dit", SETUPS[:5]), ("sd3", SETUPS[1:5]), ("vit", SETUPS[5:6]), ("flux", SETUPS[:2]))
    for setup in setups
]


def drawn(family: Family, model: nn.Module, modes: tuple[Any, ...]) -> list[torch.Tensor]:
    """Call the model once in each mode, as the steps of one generation."""
    outputs = []
    for index, mode in enumerate(modes):
        arguments, context = family.arguments(model, seed=index), mode()
        assert isinstance(context, AbstractContextManager)
        with context, tokred.step(index, len(modes)):
            outputs.append(family.run(model, arguments).detach().clone())
    return outputs


@pytest.mark.parametrize(("family", "setup"), PAIRS, ids=str)
def test_modes_mixed_in_and_between_generations(family: Family, setup: Setup) -> None:
    model = family.model().requires_grad_(True)
    plain = (torch.no_grad,) * 6
    with setup.apply(model):
        expected = drawn(family, model, plain)
    with setup.apply(model):
        for shift in range(3):
            modes = tuple(MODES[(i + shift) % 3] for i in range(6))
            for seen, wanted in zip(drawn(family, model, modes), expected, strict=True):
                torch.testing.assert_close(seen, wanted)


@pytest.mark.parametrize("name", ["dit", "sd3"])
def test_gradients_after_a_match_that_was_made_in_inference_mode(name: str) -> None:
    family = BY_NAME[name]
    model = family.model().requires_grad_(True)
    weight = next(model.parameters())
    gradients = []
    for mode in (torch.no_grad, torch.inference_mode):
        with DITO.apply(model):
            for index, context in enumerate((mode(), mode(), torch.enable_grad())):
                with context, tokred.step(index, 6):
                    output = family.run(model, family.arguments(model, seed=index))
            gradients.append(torch.autograd.grad(output.square().sum(), weight)[0])
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("method", ["sdtm", "delta", "toca", "ras", "balanced", "asymrnr"])
@pytest.mark.parametrize("name", ["dit", "pixart"])
def test_a_generation_may_be_under_autocast(name: str, method: str) -> None:
    family = BY_NAME[name]
    model = family.model(torch.float32)
    with tokred.apply(model, method) as run, torch.autocast("cpu", torch.bfloat16):
        drawn = family.generate(model, steps=8)
        assert any(call.removed for call in run.report().calls)
    assert drawn.isfinite().all()


def test_tokens_that_round_to_none_are_said() -> None:
    family = BY_NAME["dit"]
    model = family.model(torch.float32)
    run = tokred.apply(model, "tomesd", ratio=0.001)
    family.generate(model)
    assert "0.001 of 36 tokens rounds to none: such sites ran dense" in repr(run.report())
    run.remove()


@pytest.mark.parametrize("name", ["dit", "wan"])
def test_weights_stored_in_less_do_not_shrink_what_is_remembered(name: str) -> None:
    """As `enable_layerwise_casting` stores them: outputs are remembered as they are computed."""
    host = {host.name: host for host in hosts()}[name]
    model: Any = host.model()
    layout = tokred.Layout((host.grid,))
    with tokred.apply(model, "delta") as run:
        expected = run.memory(2, layout)
        model.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32)
        assert run.memory(2, layout) == expected
