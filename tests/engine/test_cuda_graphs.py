"""What CUDA graphs ask of compiled code, asked by a backend that does as they do, on any device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from engine.setups import DELTA, DITO, SHARING, STEP_CACHE, TOMESD, Setup, fresh_generation
from families.models import BY_NAME, Family, blocks_of
from torch._dynamo.utils import get_static_address_type

import tokred

DIT, FLUX = BY_NAME["dit"], BY_NAME["flux"]
STEPS = 5
SLOW = pytest.mark.slow
QUICK = [DELTA]
OTHERS = [DITO, TOMESD, SHARING, STEP_CACHE, *map(Setup, ("ca_tome", "toma", "sdtm", "asymrnr", "ras", "toca"))]


class Replayed:
    """A backend for torch.compile that keeps to the rules of CUDA graphs.

    What a graph writes to has to be an output of its own or a tensor whose address is told to last; outputs are gone
    once the next step begins.

    Attributes:
        given: what graphs have returned since the last step began.
    """

    def __init__(self) -> None:
        self.given: list[torch.Tensor] = []

    def __call__(self, graph: torch.fx.GraphModule, examples: list[torch.Tensor]) -> Any:
        """Stand in for a compiled graph."""

        def run(*args: Any) -> Any:
            tensors = [arg for arg in args if isinstance(arg, torch.Tensor)]
            versions = [tensor._version for tensor in tensors]
            outputs = graph(*args)
            for tensor, version in zip(tensors, versions, strict=True):
                lasts = isinstance(tensor, torch.nn.Parameter) or get_static_address_type(tensor)
                assert tensor._version == version or lasts, f"a graph writes to {tuple(tensor.shape)} from outside"
            inputs = {tensor.untyped_storage().data_ptr() for tensor in tensors}
            made = [out for out in outputs if isinstance(out, torch.Tensor)]
            self.given += [out for out in made if out.untyped_storage().data_ptr() not in inputs]
            return outputs

        return run

    def begin_step(self) -> None:
        """Let the next replay write over all that graphs have returned."""
        for tensor in self.given:
            tensor.fill_(torch.nan if tensor.is_floating_point() else -1)
        self.given.clear()


def generate(family: Family, call: Any, backend: Replayed) -> torch.Tensor:
    """Draw as `Family.generate` does, keeping nothing of a step but copies."""
    arguments = family.arguments(call, 0, 2, None, None)
    latents = arguments[family.argument]
    with torch.no_grad():
        for i in range(STEPS):
            backend.begin_step()
            with tokred.step(i, STEPS):
                velocity = family.run(call, arguments | {family.argument: latents}, 1 - i / STEPS)
            latents = latents - velocity / STEPS
    return latents


@pytest.fixture(autouse=True)
def nothing_compiled_yet() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("family", [DIT, pytest.param(FLUX, marks=SLOW)], ids=str)
@pytest.mark.parametrize("setup", [*QUICK, *(pytest.param(setup, marks=SLOW) for setup in OTHERS)], ids=str)
def test_whole_models(family: Family, setup: Setup) -> None:
    model, backend = family.model(), Replayed()
    expected = fresh_generation(family, model, setup, steps=STEPS)
    with setup.apply(model):
        call = torch.compile(model, fullgraph=True, backend=backend)
        for _ in range(2):
            torch.testing.assert_close(generate(family, call, backend), expected)


@SLOW
@pytest.mark.parametrize("setup", [DITO, DELTA], ids=str)
def test_block_by_block(setup: Setup) -> None:
    model, backend = FLUX.model(), Replayed()
    expected = fresh_generation(FLUX, model, setup, steps=STEPS)
    with setup.apply(model):
        for block in blocks_of(model):
            block.compile(fullgraph=True, backend=backend)
        torch.testing.assert_close(generate(FLUX, model, backend), expected)
