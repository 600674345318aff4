"""Hooks of others that come after `apply`: tokred is taken out from under them, exactly, and they stay."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.hooks import ModelHook, add_hook_to_module
from torch import nn

import tokred
from tokred import ConflictError
from tokred.engine.patch import PatchedForward
from tokred.testing.snapshot import changes, snapshot
from tokred_adapters import tiny

HOSTS = {host.name: host for host in tiny.hosts()}
CPU = torch.device("cpu")
HOLDERS = ("builtins", "functools", "collections", "diffusers", "accelerate", "tokred", __name__)


def cast(model: Any) -> None:
    model.enable_layerwise_casting(storage_dtype=torch.bfloat16, compute_dtype=torch.float32)


def offload(model: Any) -> None:
    model.enable_group_offload(onload_device=CPU, offload_device=CPU, offload_type="leaf_level")


def prepare(model: nn.Module) -> None:
    Accelerator(mixed_precision="bf16", cpu=True).prepare_model(model)


def hook_all(model: nn.Module) -> None:
    for module in model.modules():
        add_hook_to_module(module, ModelHook())


def wrap_all(model: nn.Module) -> None:
    """As people do it by hand."""

    def wrapped(forward: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **kwargs: forward(*args, **kwargs)

    for module in model.modules():
        module.forward = wrapped(module.forward)


def held_by(value: Any, seen: set[int]) -> bool:
    """Search everything that a module's attributes lead to, modules left out, for a stand-in of tokred's."""
    if id(value) in seen or isinstance(value, (nn.Module, torch.Tensor, type)):
        return False
    if type(value).__module__.partition(".")[0] not in HOLDERS:
        return False
    seen.add(id(value))
    if isinstance(value, PatchedForward):
        return True
    parts = [getattr(value, "__self__", None), getattr(value, "__func__", None)]
    parts += [value.func] if isinstance(value, functools.partial) else []
    parts += list(getattr(value, "__dict__", {}).values())
    parts += gc.get_referents(*getattr(value, "__closure__", None) or ())
    parts += list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    return any(held_by(part, seen) for part in parts)


CASES = [
    ("wan", "tomesd", cast),
    ("dit", "balanced", cast),
    ("flux", "dito", offload),
    ("qwen-image", "balanced", offload),
    ("flux", "balanced", prepare),
    ("vit", "tome", prepare),
    ("sd3", "delta", hook_all),
    ("sdxl", "todo", hook_all),
    ("flux", "balanced", wrap_all),
    ("hf-vit", "tome", wrap_all),
]


@pytest.mark.parametrize(("name", "method", "later"), CASES, ids=lambda case: getattr(case, "__name__", case))
def test_they_stay_and_tokred_goes(name: str, method: str, later: Callable[[nn.Module], None]) -> None:
    host = HOSTS[name]
    plain, model = host.model(), host.model()
    run = tokred.apply(model, method)
    reduced = host.generate(model, steps=6)
    later(plain)
    later(model)
    again = host.generate(model, steps=6)
    assert run.report().compute < 1, "it is at work under them"
    if later not in (cast, prepare):  # which compute in another precision
        assert torch.equal(again, reduced)
    with pytest.raises(ConflictError, match="already applied"):
        tokred.apply(model, method)
    run.remove()
    assert torch.equal(host.generate(model, steps=6), host.generate(plain, steps=6))
    seen: set[int] = set()
    assert not any(held_by(value, seen) for module in model.modules() for value in vars(module).values())


def test_a_function_that_calls_no_other_is_named_and_left() -> None:
    host = HOSTS["dit"]
    model = host.model()
    before, run = snapshot(model), tokred.apply(model, "tomesd")
    block = model.transformer_blocks[0]
    patched, block.attn1.forward = block.attn1.forward, lambda x, *args, **kwargs: x
    with pytest.raises(ConflictError, match="1 functions of .* do not call what they replaced: a Attention's forward"):
        run.remove()
    block.attn1.forward = patched
    run.remove()
    assert changes(before, snapshot(model)) == []
