"""Whether the image's tokens are where a description says, in sequences that hold other tokens as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import torch
from torch import nn

from tokred.arguments import Arguments, argument_names
from tokred.family.description import Family, Stack
from tokred.family.layouts import entry_of, layout_of
from tokred.family.signature import Call, read_call
from tokred.family.sites import stacks_of
from tokred.family.spans import lead
from tokred.layout import Layout
from tokred.testing.host import Host


def misplaced_tokens(family: Family, model: nn.Module, host: Host) -> list[str]:
    """Name each stack whose sequences have the image's tokens elsewhere.

    Computing a wrong part of a sequence in another order changes nothing, so that only this tells. Where a sequence is
    made up, the image's tokens are what depends on the picture; where it ends, what the model returns depends on them.
    """
    stacks = stacks_of(family, model)
    joined = [stack for stack in stacks if len(read_call(stack.call).order) > 1]
    if not joined:
        return []
    found = list(_at_the_start(family, model, host, joined[0]))
    if host.repeats and joined[-1] is stacks[-1]:
        found += _at_the_end(family, model, host, joined[-1])
    return found


def _at_the_start(family: Family, model: nn.Module, host: Host, stack: Stack) -> Iterator[str]:
    block, call = _block(model, stack, 0), read_call(stack.call)
    seen: list[torch.Tensor] = []

    def note(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.append(Arguments(argument_names(module), args, kwargs)[call.tokens])

    arguments = host.arguments(model, seed=0)
    pictures = arguments[host.argument]
    hook = block.register_forward_pre_hook(note, with_kwargs=True)
    layout = _run(family, model, host, arguments)
    _run(family, model, host, arguments | {host.argument: pictures.flip(0)})
    hook.remove()
    image = _window(call, seen[0], layout.scaled(stack.scale))
    depend = int((seen[0] != seen[1]).any(dim=2)[:, image].sum(dim=1).min())
    least = min(prod(grid) for grid in layout.scaled(stack.scale).grids)
    if depend < least:
        yield f"{stack.path}: call={stack.call!r}: {least - depend} of the image's tokens do not depend on the picture."


def _at_the_end(family: Family, model: nn.Module, host: Host, stack: Stack) -> Iterator[str]:
    block, call = _block(model, stack, -1), read_call(stack.call)
    arguments = host.arguments(model, seed=0)
    results: list[torch.Tensor] = []
    layouts: list[Layout] = []

    def change(module: nn.Module, args: tuple[Any, ...], result: torch.Tensor) -> torch.Tensor:
        changed = result.flip(2)
        image = _window(call, result, layouts[0].scaled(stack.scale))
        changed[:, image] = result[:, image]
        return changed

    layouts.append(_run(family, model, host, arguments, results.append))
    hook = block.register_forward_hook(change)
    _run(family, model, host, arguments, results.append)
    hook.remove()
    if not torch.allclose(results[0], results[1]):
        yield f"{stack.path}: call={stack.call!r}: what the model returns depends on tokens that are not the image's."


def _run(
    family: Family,
    model: nn.Module,
    host: Host,
    arguments: dict[str, Any],
    returned: Callable[[torch.Tensor], Any] = lambda result: None,
) -> Layout:
    """Call the model, hand on what it returns, and return the layout of the call."""
    layouts: list[Layout] = []

    def note(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        layouts.append(layout_of(family, model, Arguments(argument_names(module), args, kwargs)))

    hook = entry_of(family, model).register_forward_pre_hook(note, with_kwargs=True)
    with torch.no_grad():
        returned(host.run(model, arguments))
    hook.remove()
    return layouts[0]


def _block(model: nn.Module, stack: Stack, index: int) -> nn.Module:
    return list(model.get_submodule(stack.path).children())[index]


def _window(call: Call, tokens: torch.Tensor, layout: Layout) -> slice:
    """Return the rows of the image in a sequence `[B, L, C]`."""
    before = lead(call.order, tokens.shape[1], layout.image, layout.prefix)
    return slice(before, before + layout.image)
