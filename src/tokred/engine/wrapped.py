"""Finding a function under whatever was wrapped around it since."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CellType, FunctionType
from typing import Any

from torch import nn

SLOTS = ("forward", "_old_forward", "_original_forward")
"""Where a module's forward is, and where accelerate keeps those that it has wrapped."""


@dataclass(frozen=True)
class _Place:
    """Where something is held, and what puts another in its place."""

    held: Any
    put: Callable[[Any], None]


def replace(module: nn.Module, old: Any, new: Any, slot: str = "forward") -> bool:
    """Put a method `new` wherever what stands in a module's slots leads to `old`; return whether it was anywhere.

    Where only the function of `old` was taken, that of `new` is put.
    """
    function = getattr(old, "__func__", old)  # a partial function has none
    places = [place for place in _places(module, slot) if place.held == old or place.held is function]
    for place in places:
        place.put(new if place.held == old else new.__func__)
    return bool(places)


def functions_of(module: nn.Module) -> Iterator[Any]:
    """Yield whatever stands in for a module's forward, and all that this was wrapped around."""
    return (place.held for place in _places(module))


def _places(module: nn.Module, slot: str = "forward") -> list[_Place]:
    """Follow what stands in a module's slots through closures, partial functions and objects, never into a module."""
    slots = module.__dict__
    places = [_item(slots, name) for name in {slot, *SLOTS} & slots.keys()]
    seen: set[int] = set()
    for place in places:  # grows meanwhile
        if id(place.held) not in seen:
            seen.add(id(place.held))
            places += _inside(place.held)
    return places


def _inside(held: Any) -> list[_Place]:
    if isinstance(held, nn.Module | type):
        return []
    attributes = getattr(held, "__dict__", {})
    inside = [_item(attributes, name) for name, value in attributes.items() if callable(value)]
    if isinstance(held, FunctionType):
        inside += [_cell(cell) for cell in held.__closure__ or () if _is_filled(cell)]
    if isinstance(held, functools.partial):
        inside.append(_Place(held.func, functools.partial(refill, held)))
    return inside


def refill(held: Any, function: Any) -> None:
    """Have a partial function call another."""
    held.__setstate__((function, held.args, held.keywords, vars(held)))


def _item(values: dict[str, Any], name: str) -> _Place:
    return _Place(values[name], functools.partial(values.__setitem__, name))


def _cell(cell: CellType) -> _Place:
    return _Place(cell.cell_contents, functools.partial(setattr, cell, "cell_contents"))


def _is_filled(cell: CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # nothing was assigned yet
        return False
