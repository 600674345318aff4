"""An exception in the middle of a generation: the next one is right, and removal is exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import torch
from engine.setups import RECOVERED, SIMPLEST, Setup, fresh_generation
from families.models import Family, blocks_of
from torch import nn

from tokred.parts import Copy, Cosine, Delta, EveryStep, GridMatcher, Interval
from tokred.testing.snapshot import changes, snapshot


class Boom(Exception):
    """What goes wrong."""


@contextmanager
def failing(owner: type, name: str, call: int) -> Iterator[None]:
    """Let the method `owner.name` raise at its `call`-th call, from 1."""
    original, calls = getattr(owner, name), 0

    def fails(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Boom
        return original(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, fails)
        yield


@contextmanager
def failing_module(module: nn.Module, call: int, error: type[BaseException] = Boom) -> Iterator[None]:
    """Let `module` raise at its `call`-th call, from 1."""
    calls = 0

    def fails(module: nn.Module, args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise error

    handle = module.register_forward_pre_hook(fails)
    try:
        yield
    finally:
        handle.remove()


def last_linear(model: nn.Module) -> nn.Module:
    """Return a layer inside the last block's feed-forward."""
    return [module for module in blocks_of(model)[-1].modules() if isinstance(module, nn.Linear)][-1]


POINTS: dict[str, Callable[[nn.Module], AbstractContextManager[None]]] = {
    "submodule": lambda model: failing_module(last_linear(model), 2 if "2DModel" in type(model).__name__ else 1),
    "interrupt": lambda model: failing_module(last_linear(model), 1, KeyboardInterrupt),
    "scores": lambda model: failing(Cosine, "scores", 2),
    "match": lambda model: failing(GridMatcher, "match", 2),
    "draw": lambda model: failing(GridMatcher, "draw_together", 1),
    "recover": lambda model: failing(Copy, "recover", 2),
    "delta": lambda model: failing(Delta, "recover", 2),
    "plan": lambda model: failing((Interval if "2DModel" in type(model).__name__ else EveryStep), "plan", 2),
}
CASES = [(family, setup, point) for family, setup in SIMPLEST for point in POINTS if point != "delta"]
CASES += [(family, setup, "submodule") for family, setup in RECOVERED]
CASES += [(family, setup, "delta" if setup.method == "delta" else "recover") for family, setup in RECOVERED]


@pytest.mark.parametrize("dtype", [torch.float32], ids=str)
@pytest.mark.parametrize(("family", "setup", "point"), CASES, ids=str)
def test_after_an_exception(family: Family, model: nn.Module, setup: Setup, point: str) -> None:
    before, expected = snapshot(model), fresh_generation(family, model, setup, steps=3)
    with setup.apply(model) as run:
        with pytest.raises((Boom, KeyboardInterrupt)), POINTS[point](model):
            family.generate(model, seed=1, steps=3)
        assert torch.equal(family.generate(model, steps=3), expected)
        assert run.report().generations == 2, "the aborted one counts"
    assert changes(before, snapshot(model)) == []


@pytest.mark.parametrize("point", ["submodule", "scores"])
@pytest.mark.parametrize(("family", "setup"), SIMPLEST, ids=str)
def test_removal_right_after_an_exception(family: Family, model: nn.Module, setup: Setup, point: str) -> None:
    before = snapshot(model)
    with pytest.raises(Boom), POINTS[point](model), setup.apply(model):
        family.generate(model)
    assert changes(before, snapshot(model)) == []
