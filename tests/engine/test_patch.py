"""Standing in for a forward, and leaving without a trace."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import pytest
import torch
from accelerate.hooks import ModelHook, add_hook_to_module, remove_hook_from_module
from torch import nn

from tokred.engine.patch import PatchedForward, patch_of


class Twice:
    """Doubles what a module returns."""

    def __call__(self, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return 2 * forward(*args, **kwargs)


@pytest.fixture
def module() -> nn.Linear:
    return nn.Linear(3, 3)


X = torch.ones(1, 3)


def test_a_patch_computes_and_leaves_without_a_trace(module: nn.Linear) -> None:
    before, dense = dict(module.__dict__), module(X)
    patch = PatchedForward(module, Twice())
    patch.install()
    assert patch_of(module) is patch
    assert torch.equal(module(X), 2 * dense)
    assert inspect.signature(module.forward) == inspect.signature(nn.Linear(3, 3).forward)
    assert patch.restore()
    assert module.__dict__ == before
    assert not patch.restore()


def test_what_stood_there_before_is_put_back(module: nn.Linear) -> None:
    foreign = lambda x: x - 1  # noqa: E731
    module.forward = foreign  # type: ignore[method-assign]
    patch = PatchedForward(module, Twice())
    patch.install()
    assert torch.equal(module(X), torch.zeros(1, 3))
    patch.restore()
    assert module.__dict__["forward"] is foreign


def test_a_deep_copy_computes_with_its_own_weights(module: nn.Linear) -> None:
    PatchedForward(module, Twice()).install()
    other = copy.deepcopy(module)
    with torch.no_grad():
        module.weight.zero_()
    assert not torch.equal(other(X), module(X))


def test_something_put_over_the_patch_is_left_alone(module: nn.Linear) -> None:
    patch = PatchedForward(module, Twice())
    patch.install()
    module.forward = over = lambda x: x  # type: ignore[method-assign]
    assert not patch.restore()
    assert module.__dict__["forward"] is over


@pytest.mark.parametrize("applied", ["before", "after"])
@pytest.mark.parametrize("removed", ["before", "after"])
def test_offloading_hooks_come_and_go_around_a_patch(module: nn.Linear, applied: str, removed: str) -> None:
    dense = module(X)
    patch = PatchedForward(module, Twice()) if applied == "before" else None
    if patch:
        patch.install()
    add_hook_to_module(module, ModelHook())
    if not patch:
        patch = PatchedForward(module, Twice())
        patch.install()
    assert torch.equal(module(X), 2 * dense)
    if removed == "before":
        assert patch.restore()
        assert torch.equal(module(X), dense)
        remove_hook_from_module(module)
    else:
        remove_hook_from_module(module)
        assert torch.equal(module(X), 2 * dense)
        assert patch.restore()
    assert patch_of(module) is None
    assert torch.equal(module(X), dense)
