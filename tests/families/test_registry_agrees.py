"""Descriptions held against what diffusers itself says of its models: its registry of blocks and its split plans.

These serve caches and context parallelism there, and nothing here reads them: a second, independent source.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any

import pytest
import torch
from diffusers.hooks._helpers import TransformerBlockMetadata, TransformerBlockRegistry

from tokred.family import Family, Stack
from tokred.family.signature import Call, Order, read_call, read_rows
from tokred.family.sites import stacks_of
from tokred.registry import registered_families, resolve

REGISTRY_IS_WRONG = {"BriaTransformerBlock": "it returns text and picture; the registry has the picture first, alone"}
Described = tuple[Family, Any]


def described() -> Iterator[Described]:
    """Yield each family of diffusers with a model of each of its classes."""
    for registered, _ in registered_families():
        family: Family = registered.component.load()
        if family.models[0].startswith("diffusers."):
            models = [host.model() for host in resolve(registered.component.hosts)]
            yield from ((family, model) for model in {type(model): model for model in models}.values())


@pytest.fixture(scope="module")
def models() -> list[Described]:
    return list(described())


def test_blocks_return_what_the_registry_says(models: list[Described]) -> None:
    checked, wrong = set(), set()
    for family, model in models:
        for stack in stacks_of(family, model):
            block = type(model.get_submodule(stack.path)[0])
            try:
                registered = TransformerBlockRegistry.get(block)
            except ValueError:
                continue
            checked.add(block.__name__)
            if _places(read_call(stack.call)) != _registered_places(registered):
                wrong.add(block.__name__)
    assert {"FluxTransformerBlock", "Flux2SingleTransformerBlock", "QwenImageTransformerBlock"} <= checked
    assert wrong == set(REGISTRY_IS_WRONG)


def _places(call: Call) -> tuple[int, int | None]:
    """Return where the picture's tokens are among the returned values, and where the text's are."""
    text: Order = ("text",)
    return call.place or 0, call.returns.index(text) if text in call.returns else None


def _registered_places(registered: TransformerBlockMetadata) -> tuple[int, int | None]:
    return registered.return_hidden_states_index, registered.return_encoder_hidden_states_index


def test_the_registry_has_bria_wrong(models: list[Described]) -> None:
    """What the description says is true of the model: `tokred check` runs it, and so does this."""
    model = next(model for family, model in models if family.name == "bria")
    block = model.transformer_blocks[0]
    with torch.no_grad():
        tables = torch.ones(5, 16), torch.zeros(5, 16)
        text, picture = block(torch.ones(1, 3, 32), torch.ones(1, 2, 32), torch.ones(1, 32), tables)
    assert (text.shape[1], picture.shape[1]) == (2, 3)


def test_tokens_are_along_the_axes_of_split_plans(models: list[Described]) -> None:
    checked = set()
    for family, model in models:
        plan = getattr(model, "_cp_plan", None) or {}
        for stack in stacks_of(family, model):
            for what, ours, theirs in _axes(stack, plan):
                assert ours == theirs, f"{family.name}, {stack.path}: {what}"
                checked.add((family.name, what))
    assert {("qwenimage", "hidden_states"), ("qwenimage", "modulate_index"), ("qwenimage", "pos_embed")} <= checked


def _axes(stack: Stack, plan: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield the axis of tokens, and the number of axes, of what both speak of: as described, and as planned."""
    described = {form.argument: form for name, axes in stack.rows.items() for form in read_rows(name, axes)}
    for module, split in plan.items():
        tables = described.get(stack.attention[0].rotary) if stack.attention else None
        if module in ("pos_embed", "rope") and tables is not None:
            yield module, (tables.axes[0][0], tables.ndim), (split[0].split_dim, split[0].expected_dims)
        for argument, planned in split.items() if fnmatch(f"{stack.path}.0", module) else ():
            if argument == read_call(stack.call).tokens:
                yield argument, 1, planned.split_dim
            elif argument in described:
                rows = described[argument]
                yield argument, (rows.axes[0][0], rows.ndim), (planned.split_dim, planned.expected_dims)
