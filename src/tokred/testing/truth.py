"""Whether a description is true of a model: every line of it is held against what the model does in a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import torch
from torch import nn

from tokred.arguments import Arguments, argument_names
from tokred.family.description import Attention, Family, Stack
from tokred.family.layouts import entry_of, layout_of
from tokred.family.signature import IMAGE, Call, Order, read_call, read_rows
from tokred.family.sites import stacks_of
from tokred.family.spans import fits
from tokred.layout import Layout

Seen = tuple[Arguments, Any]
"""The arguments of a module's call, and what it returned."""


def untrue_lines(family: Family, model: nn.Module, call: Callable[[], Any]) -> list[str]:
    """Run a model once and name each line of its description that is not true of it.

    Args:
        family: the description.
        model: the model.
        call: calls it, on two samples or more, so that no axis is taken for another.

    Returns:
        A sentence for each line, which begins with what it describes; nothing where all are true.
    """
    watched = _Watched(family, model)
    try:
        call()
    finally:
        watched.stop()
    if watched.layout is None:
        return [f"entry={family.entry!r}: it was not called."]
    layout = watched.layout
    found: list[str] = []
    for stack in stacks_of(family, model):
        for index, block in enumerate(cast(nn.ModuleList, model.get_submodule(stack.path))):
            name = f"{stack.path}.{index}"
            found += [f"{name}: {line}" for line in _Block(stack, block, watched.seen, layout).untrue()]
    return found


class _Watched:
    """Notes the calls of all modules of a model, and their layout."""

    def __init__(self, family: Family, model: nn.Module) -> None:
        self.family, self.model = family, model
        self.seen: dict[nn.Module, list[Seen]] = {}
        self.layout: Layout | None = None
        entry = entry_of(family, model)
        self.hooks = [entry.register_forward_pre_hook(self._begin, with_kwargs=True)]
        self.hooks += [m.register_forward_hook(self._note, with_kwargs=True) for m in model.modules() if m is not model]

    def stop(self) -> None:
        for hook in self.hooks:
            hook.remove()

    def _begin(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.layout = layout_of(self.family, self.model, Arguments(argument_names(module), args, kwargs))

    def _note(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        self.seen.setdefault(module, []).append((Arguments(argument_names(module), args, kwargs), result))


class _Block:
    """One block, held against its stack's description."""

    def __init__(self, stack: Stack, block: nn.Module, seen: Mapping[nn.Module, list[Seen]], layout: Layout) -> None:
        self.stack, self.block, self.seen = stack, block, seen
        self.layout = layout.scaled(stack.scale)
        self.lengths: dict[Order, int] = {(IMAGE,): self.layout.image}

    def untrue(self) -> Iterator[str]:
        """Yield what is not true."""
        yield from self._call("call", self.block, self.stack.call, rows=True)
        for attention in self.stack.attention:
            module = _at(self.block, attention.path)
            if module is not None or not attention.optional:
                yield from self._attention(attention, module)
        path, _, parts = self.stack.mlp.partition(":") if isinstance(self.stack.mlp, str) else ("", "", "")
        if path:
            order = " ".join(parts.split() or read_call(self.stack.call).order)
            mlp = _at(self.block, path)
            first = argument_names(mlp)[0] if mlp is not None else "x"
            yield from self._call(f"mlp={path!r}", mlp, f"{first}: {order} -> {order}")

    def _attention(self, attention: Attention, module: nn.Module | None) -> Iterator[str]:
        what = f"attention {attention.path!r}"
        yield from self._call(what, module, attention.call, rows=True)
        fused = isinstance(attention.projections, str)
        names = (attention.projections,) if isinstance(attention.projections, str) else attention.projections
        order = tuple(attention.joined.split()) or read_call(attention.call).order
        for name in names:
            line = f"{what}: {'the projection' if fused else 'its projection'} {name!r}"
            yield from self._shape(line, _at(module, name), order, fused)

    def _shape(self, what: str, module: nn.Module | None, order: Order, fused: bool) -> Iterator[str]:
        """Hold a module that takes one tensor of tokens against the parts of the sequence it should see."""
        calls = self.seen.get(module, []) if module is not None else []
        if fused and module is not None and not calls:
            return  # its weights are used apart from it
        if len(calls) != 1:
            yield f"{what} was called {len(calls)} times, not once."
            return
        first = next(iter(calls[0][0].values()))
        yield from self._rows(f"{what} sees", first, order)

    def _call(self, what: str, module: nn.Module | None, text: str, rows: bool = False) -> Iterator[str]:
        """Hold one call of a module against how it is described."""
        calls = self.seen.get(module, []) if module is not None else []
        if len(calls) != 1:
            yield f"{what}: the module was called {len(calls)} times, not once."
            return
        (arguments, result), call = calls[0], read_call(text)
        for name, order in ((call.tokens, call.order), (call.beside, ("text",))):
            if name:
                yield from self._rows(f"{what}: argument {name!r} has", arguments.get(name), order)
        yield from self._returns(what, result, call)
        if rows:
            yield from self._travelling(what, arguments, call)

    def _returns(self, what: str, result: Any, call: Call) -> Iterator[str]:
        values = result if isinstance(result, (tuple, list)) else (result,)
        single = isinstance(result, torch.Tensor)
        if single != (len(call.returns) == 1) or len(values) != len(call.returns):
            got = "a tensor" if single else f"{len(values)} values"
            yield f"{what}: it returns {got}, not {', '.join(' '.join(parts) for parts in call.returns)}."
            return
        for place, (value, parts) in enumerate(zip(values, call.returns, strict=True)):
            known = value is not None and set(parts) <= {IMAGE, "text", "prefix"}
            if known:
                yield from self._rows(f"{what}: returned value {place} has", value, parts)

    def _rows(self, what: str, value: Any, order: Order) -> Iterator[str]:
        """Hold the second axis of a tensor against the parts along it; context is as long everywhere."""
        if not isinstance(value, torch.Tensor) or value.ndim < 3:
            yield f"{what} no tensor [B, L, C]."
            return
        length, image = value.shape[1], self.layout.image
        known = self.lengths.setdefault(order, length)
        may_be = IMAGE not in order or fits(order, length, image, self.layout.prefix)
        if length != known or not may_be:
            wanted = f"{known}" if length != known else f"what the image's {image} and the others make"
            yield f"{what} {length} tokens for {' '.join(order)!r}, not {wanted}."

    def _travelling(self, what: str, arguments: Arguments, call: Call) -> Iterator[str]:
        """Hold the arguments with rows per token against `rows`, and name those that are in neither list."""
        lengths = {length for order, length in self.lengths.items() if IMAGE in order}
        given = {
            name: axes for name, axes in self.stack.rows.items() if not name.endswith("()")
        }  # for any order to try
        described = {name: read_rows(name, axes) for name, axes in given.items()}
        for forms in described.values():
            for tensor in _tensors(arguments.get(forms[0].argument), forms[0].item):
                fitting = [form for form in forms if form.has(tensor.ndim)]
                for axis, order in fitting[0].axes if fitting else ():
                    yield from self._axis(f"rows: {forms[0]} of {what}", tensor, axis, order)
                if not fitting and lengths & set(tensor.shape):
                    yield f"rows: {forms[0]} of {what} has {tensor.ndim} axes, and is described with others."
        names = {forms[0].argument for forms in described.values()}
        tokens = arguments.get(call.tokens)
        for name, value in arguments.items():
            if name in (call.tokens, call.beside, *self.stack.stays) or name in names or value is tokens:
                continue
            if any(lengths & set(tensor.shape[1 if tensor.ndim > 2 else 0 :]) for tensor in _tensors(value, None)):
                yield f"rows: argument {name!r} of {what} is as long as the tokens. Add it to `rows` or `stays`."

    def _axis(self, what: str, tensor: torch.Tensor, axis: int, order: Order) -> Iterator[str]:
        if not -tensor.ndim <= axis < tensor.ndim:
            yield f"{what} has {tensor.ndim} axes."
            return
        length = tensor.shape[axis]
        wanted = self.lengths.get(order)
        if wanted is None:
            context = next((n for o, n in self.lengths.items() if IMAGE not in o), None)
            wanted = None if context is None else context + self.layout.image
        if length != 1 and wanted is not None and length != wanted:
            yield f"{what} has {length} rows for {' '.join(order)!r}, not {wanted}."


def _at(module: nn.Module | None, path: str) -> nn.Module | None:
    """Return the module at a path; None where there is none."""
    try:
        found = module.get_submodule(path) if module is not None else None
    except AttributeError:
        return None
    return found


def _tensors(value: Any, item: int | None) -> list[torch.Tensor]:
    """Return the tensors in an argument, or in one item of it."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = tuple(value.values())
    if not isinstance(value, (tuple, list)):
        return []
    chosen = value if item is None else value[item : item + 1]
    return [tensor for part in chosen for tensor in _tensors(part, None)]
