"""What inductor makes of the methods, on the CPU: other tests compile by a backend that only traces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from engine.setups import DELTA, DITO, STEP_CACHE, TOMESD, Setup, fresh_generation
from families.models import BY_NAME, Family, blocks_of

SETUPS = [
    TOMESD,
    DITO,
    DELTA,
    Setup("dito", {"keys": "recovered"}),
    Setup("dito", {"share": 2}),
    Setup("delta", {"order": 1.5, "gain": "fitted"}),
    Setup("delta", {"program": "D D (M .5 1)*", "keys": "recovered"}),
]
STEPS = 6


@pytest.fixture(autouse=True)
def nothing_compiled_yet() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def check_alike(found: torch.Tensor, expected: torch.Tensor, dense: torch.Tensor) -> None:
    """See that pictures differ by much less than the method makes: its code rounds otherwise, and pairs may tip."""
    assert (found - expected).abs().mean() < 0.1 * (dense - expected).abs().mean()


@pytest.mark.slow
@pytest.mark.parametrize("setup", SETUPS, ids=str)
@pytest.mark.parametrize("family", [BY_NAME["dit"], BY_NAME["flux"]], ids=["dit", "flux"])
def test_block_by_block(family: Family, setup: Setup) -> None:
    model = family.model()
    dense, expected = family.generate(model, steps=STEPS), fresh_generation(family, model, setup, steps=STEPS)
    with setup.apply(model):
        for block in blocks_of(model):
            block.compile(fullgraph=True)
        for _ in range(2):
            check_alike(family.generate(model, steps=STEPS), expected, dense)


@pytest.mark.slow
@pytest.mark.parametrize("setup", [DITO, DELTA, STEP_CACHE], ids=str)
def test_a_whole_model(setup: Setup) -> None:
    family = BY_NAME["dit"]
    model = family.model()
    dense, expected = family.generate(model, steps=STEPS), fresh_generation(family, model, setup, steps=STEPS)
    with setup.apply(model):
        check_alike(family.generate(torch.compile(model, fullgraph=True), steps=STEPS), expected, dense)
