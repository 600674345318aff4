"""Whether the image's tokens are where a description says in what computes each token by itself, an MLP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from tokred.arguments import Arguments, argument_names
from tokred.family.description import Family, Stack
from tokred.family.layouts import entry_of, layout_of
from tokred.family.signature import CONTEXT, IMAGE, Order, read_call
from tokred.family.sites import stacks_of
from tokred.family.spans import join, split
from tokred.layout import Layout
from tokred.testing.host import Host


def misplaced_in_mlps(family: Family, model: nn.Module, host: Host) -> Iterator[str]:
    """Name each stack whose MLP has the image's tokens elsewhere.

    Any order of its tokens would do: so the image's part is taken from what the MLP of the first block returns, and
    nothing else of what the block returns may change.
    """
    for stack in stacks_of(family, model):
        path, _, parts = stack.mlp.partition(":") if isinstance(stack.mlp, str) else ("", "", "")
        order = tuple(parts.split()) or read_call(stack.call).order
        if path and len(order) > 1:
            layout, before = _first_block(family, model, host, stack)
            _, after = _first_block(family, model, host, stack, path, order)
            if not _same_context(before, after, stack, layout):
                yield f"{stack.path}: mlp={stack.mlp!r}: it sees {' '.join(order)!r} in another order."


def _first_block(
    family: Family, model: nn.Module, host: Host, stack: Stack, mlp: str = "", order: Order = ()
) -> tuple[Layout, Any]:
    """Call the model and return the layout of a stack and what its first block returned, the image's part left out."""
    block = next(model.get_submodule(stack.path).children())
    layouts: list[Layout] = []
    results: list[Any] = []

    def note(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        arguments = Arguments(argument_names(module), args, kwargs)
        layouts.append(layout_of(family, model, arguments).scaled(stack.scale))

    def without_image(module: nn.Module, args: tuple[Any, ...], output: torch.Tensor) -> torch.Tensor:
        before, image, after = split(output, order, layouts[0].image, layouts[0].prefix)
        return join(before, torch.zeros_like(image), after)

    hooks = [entry_of(family, model).register_forward_pre_hook(note, with_kwargs=True)]
    hooks.append(block.register_forward_hook(lambda module, args, result: results.append(result)))
    hooks += [block.get_submodule(mlp).register_forward_hook(without_image)] if mlp else []
    host.call(model)
    for hook in hooks:
        hook.remove()
    return layouts[0], results[0]


def _same_context(before: Any, after: Any, stack: Stack, layout: Layout) -> bool:
    """Compare two results of a block but for the image's tokens."""
    for place, parts in enumerate(read_call(stack.call).returns):
        values = [result[place] if isinstance(result, (tuple, list)) else result for result in (before, after)]
        if values[0] is None or not set(parts) <= {IMAGE, *CONTEXT}:
            continue
        rows = [split(x, parts, layout.image, layout.prefix)[::2] if IMAGE in parts else (x,) for x in values]
        if not all(torch.equal(a, b) for a, b in zip(*rows, strict=True)):
            return False
    return True
