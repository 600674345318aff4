"""The parameters of components: read from text, checked, and signals found by their names."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_origin, get_type_hints

from tokred.errors import SpecError, UnknownName
from tokred.interfaces import Signal
from tokred.registry.registry import Registry


def find_signal(registry: Registry, name: str) -> Signal:
    """Return the signal of that name.

    Raises:
        UnknownName: if there is none.
    """
    return registry.find("signal", name).load()()  # type: ignore[no-any-return]


def with_signals(registry: Registry, factory: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters of `factory` with signals in place of their names, whichever plugin they come from."""
    named = [name for name, value in params.items() if isinstance(value, str)]
    hints = parameter_hints(factory) if named else {}
    found = {name: find_signal(registry, params[name]) for name in named if takes_signal(hints.get(name))}
    return {**params, **found}


def takes_signal(hint: Any) -> bool:
    """Say whether a parameter of this type is a signal, maybe beside other things."""
    return hint is Signal or Signal in get_args(hint)


def check_parameters(what: str, factory: Any, params: Mapping[str, Any]) -> None:
    """Raise `UnknownName` for a parameter that `factory` does not take."""
    known = inspect.signature(factory).parameters
    for name in params:
        if name not in known:
            raise UnknownName(f"parameter of {what}:", name, known)


def parse_parameters(what: str, factory: Any, text: str) -> dict[str, Any]:
    """Read "key=value,key=value", each value as the type that `factory` declares.

    Whole numbers are joined as in 2x4 or 2x4x4, a tuple of names as in attn+mlp.

    Args:
        what: what the parameters are for, as messages call it.
        factory: a function or class with annotated parameters.
        text: the parameters; may be empty.

    Raises:
        SpecError: if a parameter is unknown or its value cannot be read.
    """
    pairs = [part.partition("=") for part in text.split(",") if part]
    params = {name.strip(): value.strip() for name, _, value in pairs}
    check_parameters(what, factory, params)
    for name, value in params.items():
        if not value:
            raise SpecError(f"{name!r} of {what} has no value. Write {name}=VALUE.")
    hints = parameter_hints(factory)
    return {name: _read(f"{name}={value}", value, hints[name]) for name, value in params.items()}


def parameter_hints(factory: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of the parameters of a function or class; those of a dataclass may be inherited."""
    if dataclasses.is_dataclass(factory):  # each field's type is read where the class that has it is written
        return get_type_hints(factory)
    return get_type_hints(factory.__init__ if inspect.isclass(factory) else factory)


def _read(what: str, value: str, hint: Any) -> Any:
    readers: dict[Any, Callable[[str], Any]] = {
        int: int,
        float: float,
        bool: {"true": True, "false": False}.__getitem__,
        str: str,
    }
    try:
        if hint in readers:
            return readers[hint](value)
        if _is_of_integers(hint):
            return tuple(map(int, value.replace("+", "x").split("x")))
    except (ValueError, KeyError):
        several = "whole numbers such as 2x2" if _is_of_integers(hint) else hint.__name__
        wanted = {bool: "true or false"}.get(hint, several)
        raise SpecError(f"{what} cannot be read: the value must be {wanted}.") from None
    if get_origin(hint) is tuple:
        return tuple(_read(what, item, get_args(hint)[0]) for item in value.split("+"))
    return value


def _is_of_integers(hint: Any) -> bool:
    return get_origin(hint) is tuple and set(get_args(hint)) <= {int, ...}
