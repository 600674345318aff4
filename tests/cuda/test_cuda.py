"""What holds on a CPU holds on a CUDA device: `pytest -m cuda`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from families.models import BY_NAME, FAMILIES, STEPS, Family
from torch import nn

import tokred
from tokred import SpecError, UnsupportedModel
from tokred.registry import components

DEVICE = torch.device("cuda")
SEED = 0
METHODS = ("dito", "tomesd", "random")
EVERY_PAIR = [(family, method) for family in FAMILIES for method in METHODS if family.repeats or method != "dito"]
ALL_METHODS = [registered.component.name for registered in components("method")]
ROUNDING = {"toma": 0.05}
"""What rounding can do to a picture: two tokens that represent only each other are worth the same to ToMA."""
ONE_OF_EACH = [(BY_NAME[name], method) for name in ("dit", "sd35", "flux") for method in METHODS]

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device"),
]


@pytest.fixture(autouse=True)
def full_float32() -> Iterator[None]:
    """Convolutions round to 10 bits on CUDA unless they are told not to."""
    before, torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.allow_tf32, False
    yield
    torch.backends.cudnn.allow_tf32 = before


def arguments_on(device: torch.device, family: Family, model: nn.Module) -> dict[str, Any]:
    made = family.arguments(model, SEED)
    return {name: value.to(device) if isinstance(value, torch.Tensor) else value for name, value in made.items()}


def call(family: Family, model: nn.Module, arguments: dict[str, Any], time: float) -> torch.Tensor:
    """Call the model as `Family.run` does, with the time on the same device as the picture."""
    if family.time is None:
        return model(**arguments)
    pictures = arguments["hidden_states"]
    moment = torch.full((len(pictures),), family.time(time), device=pictures.device)
    return model(**arguments, timestep=moment, return_dict=False)[0]


@torch.no_grad()
def generate(family: Family, model: nn.Module) -> torch.Tensor:
    """Draw pictures as `Family.generate` does, on the model's device."""
    arguments = arguments_on(next(model.parameters()).device, family, model)
    if family.time is None:
        return call(family, model, arguments, 0.5)
    for i in range(STEPS):
        with tokred.step(i, STEPS):
            velocity = call(family, model, arguments, 1 - i / STEPS)
        arguments["hidden_states"] = arguments["hidden_states"] - velocity / STEPS
    return arguments["hidden_states"]


@pytest.mark.parametrize(("family", "method"), EVERY_PAIR, ids=str)
@pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
def test_ratio_zero_is_bit_identical(family: Family, method: str) -> None:
    model = family.model().to(DEVICE)
    dense = generate(family, model)
    with tokred.apply(model, method, ratio=0.0):
        assert torch.equal(generate(family, model), dense)


@pytest.mark.parametrize(("family", "method"), EVERY_PAIR, ids=str)
def test_removal_is_exact(family: Family, method: str) -> None:
    model = family.model().to(DEVICE)
    dense, attributes = generate(family, model), [list(vars(module)) for module in model.modules()]
    with tokred.apply(model, method):
        assert not torch.equal(generate(family, model), dense)
    assert torch.equal(generate(family, model), dense)
    assert [list(vars(module)) for module in model.modules()] == attributes


@pytest.mark.parametrize(("family", "method"), EVERY_PAIR, ids=str)
def test_the_same_tokens_are_reduced_as_on_a_cpu(family: Family, method: str) -> None:
    model = family.model()
    with tokred.apply(model, method) as run:
        expected, kept = generate(family, model), run.kept_tokens()
    model = family.model().to(DEVICE)
    with tokred.apply(model, method) as run:
        actual = generate(family, model)
        assert actual.device.type == DEVICE.type
        assert run.kept_tokens() == kept
    assert (actual.cpu() - expected).norm() < 1e-4 * expected.norm()


@pytest.mark.parametrize("method", ALL_METHODS)
@pytest.mark.parametrize("family", [BY_NAME[name] for name in ("dit", "sd35", "flux", "vit")], ids=str)
@pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
def test_every_method_that_fits_draws_as_on_a_cpu(family: Family, method: str) -> None:
    drawn = []
    for device in (torch.device("cpu"), DEVICE):
        model = family.model().to(device)
        try:
            run = tokred.apply(model, method)
        except (SpecError, UnsupportedModel) as why:
            pytest.skip(str(why))
        with run:
            drawn.append(generate(family, model).cpu())
    assert (drawn[1] - drawn[0]).norm() < ROUNDING.get(method, 1e-4) * drawn[0].norm()


@pytest.mark.parametrize(("family", "method"), EVERY_PAIR, ids=str)
def test_bfloat16(family: Family, method: str) -> None:
    model = family.model(torch.bfloat16).to(DEVICE)
    dense = generate(family, model)
    with tokred.apply(model, method) as run:
        reduced = generate(family, model)
        report = run.report()
    assert (reduced.dtype, reduced.shape) == (torch.bfloat16, dense.shape)
    assert reduced.isfinite().all()
    assert report.compute < 1
    assert report.unplanned == 0


@pytest.mark.parametrize(("family", "method"), ONE_OF_EACH, ids=str)
@torch.no_grad()
def test_the_host_never_waits_in_a_reduced_step(family: Family, method: str) -> None:
    model = family.model().to(DEVICE)
    arguments = arguments_on(DEVICE, family, model)
    with tokred.apply(model, method) as run:
        for i in range(3):
            with tokred.step(i, 4):
                call(family, model, arguments, 0.5)
        torch.cuda.set_sync_debug_mode("error")
        try:
            with tokred.step(3, 4):
                call(family, model, arguments, 0.5)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        last = [site.phase for site in run.report().calls if site.position.step == 3]
    assert last
    assert all(phase.reduces for phase in last)
