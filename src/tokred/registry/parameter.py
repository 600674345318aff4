"""The parameters of a component, as listings and other programs' forms show them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

REQUIRED = inspect.Parameter.empty
"""In place of the default of a parameter that has none."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a method, a part or a baseline.

    Attributes:
        name: what it is called.
        hint: its type.
        default: its default; `REQUIRED` where there is none.
    """

    name: str
    hint: Any
    default: Any

    @property
    def choices(self) -> tuple[Any, ...]:
        """Return the values that it can have, where these are listed; of several joined by "+", of each."""
        each = get_args(self.hint)[0] if get_origin(self.hint) is tuple else self.hint
        return get_args(each) if get_origin(each) is Literal else ()

    @property
    def values(self) -> str:
        """Say what the command line takes for it."""
        return _values(self.hint)

    @property
    def written(self) -> str:
        """Return the default as the command line takes it."""
        return "required" if self.default is REQUIRED else written(self.default)


def parameters_of(factory: Callable[..., Any]) -> list[Parameter]:
    """Return the parameters of a component's function or class, in order."""
    known = inspect.signature(factory, eval_str=True).parameters.values()
    return [Parameter(each.name, each.annotation, each.default) for each in known]


def written(value: Any) -> str:
    """Write a parameter's value as the command line takes it, as 2x2, attn+mlp or 0.9+0.8; a float in three digits."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, tuple | list):
        return ("x" if all(isinstance(item, int) for item in value) else "+").join(map(written, value))
    return str(value)


def _values(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return ", ".join(map(str, get_args(hint)))
    if get_origin(hint) is tuple and get_args(hint)[0] is int:
        return "whole numbers, such as 2x4"
    if get_origin(hint) is tuple:
        return f"{_values(get_args(hint)[0])}; several joined by +"
    names = {int: "an integer", float: "a number", bool: "true, false"}
    return names.get(hint, "text")
