"""`torch.func` on models that a method is applied to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from engine.setups import DITO, TOMESD, Setup
from families.models import BY_NAME, Family

import tokred

Call = Callable[[torch.Tensor], torch.Tensor]
FAMILIES = [BY_NAME[name] for name in ("dit", "sd3", "flux")]


def a_call(family: Family) -> tuple[torch.nn.Module, Call, torch.Tensor]:
    """Return a model, a call of it as a function of its picture, and a picture."""
    model = family.model()
    arguments = family.arguments(model, 0)
    return model, lambda x: family.run(model, {**arguments, "hidden_states": x}, 1.0), arguments["hidden_states"]


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_grad_is_what_backward_gives(family: Family) -> None:
    model, call, x = a_call(family)
    given = x.clone().requires_grad_()
    with TOMESD.apply(model):
        call(given).square().sum().backward()
        torch.testing.assert_close(torch.func.grad(lambda x: call(x).square().sum())(x), given.grad)


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("setup", [TOMESD, DITO, Setup("random")], ids=str)
@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_vmap_is_a_loop(family: Family, setup: Setup) -> None:
    """What is drawn at random is the same for all."""
    model, call, x = a_call(family)
    generation = fresh_steps(call)
    both = torch.stack([x, x * 0.5])
    with torch.no_grad(), setup.apply(model) as run:
        one_by_one = torch.stack([generation(each) for each in both])
        assert any(site_call.removed for site_call in run.report().calls)
        torch.testing.assert_close(torch.func.vmap(generation, randomness="same")(both), one_by_one)
        torch.testing.assert_close(torch.stack([generation(each) for each in both]), one_by_one)


def fresh_steps(call: Call) -> Call:
    """Return the last of four steps of a generation."""

    def generation(x: torch.Tensor) -> torch.Tensor:
        made = x
        for step in range(4):
            with tokred.step(step, 4):
                made = call(x)
        return made

    return generation
