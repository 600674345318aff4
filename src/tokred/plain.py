"""From plain data, as JSON holds it, to dataclasses, with a check of every field."""

from __future__ import annotations

import dataclasses
import sys
from contextlib import suppress
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tokred.errors import SpecError


def read_plain(hint: Any, value: Any, where: str) -> Any:
    """Return `value` as the type `hint`, field by field.

    Args:
        hint: a dataclass, `int`, `float`, `bool`, `str`, `tuple[X, ...]`, `tuple[X, Y]`, `dict[str, X]`, `Any`, a
            `Literal`, or a union of these.
        value: what `json.loads` returned.
        where: how messages call the place, such as "rows[0].compute".

    Raises:
        SpecError: if a field is missing, unknown, of another type or not finite; the message says which.
    """
    if dataclasses.is_dataclass(hint):
        return _record(hint, value, where)
    if hint is Any:
        return value
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _one_of(args, value, where)
    if origin is tuple and isinstance(value, list) and (args[-1] is ... or len(value) == len(args)):
        kinds = args[:1] * len(value) if args[-1] is ... else args
        return tuple(read_plain(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True)))
    if origin is dict and isinstance(value, dict):
        return {name: read_plain(args[1], item, f"{where}.{name}") for name, item in value.items()}
    if origin is Literal and value in args:
        return value
    if hint is float and type(value) in (int, float) and abs(value) <= sys.float_info.max:
        return float(value)
    if hint in (int, bool, str) and type(value) is hint:
        return value
    raise SpecError(f"{where} must be {_name(hint)}, not {value!r}.")


def _one_of(hints: tuple[Any, ...], value: Any, where: str) -> Any:
    """Return `value` as the first of `hints` that takes it; what the last one says where none does."""
    if value is None and NoneType in hints:
        return None
    *others, last = [hint for hint in hints if hint is not NoneType]
    for hint in others:
        with suppress(SpecError):
            return read_plain(hint, value, where)
    return read_plain(last, value, where)


def _record(hint: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise SpecError(f"{where} must be an object, not {value!r}.")
    hints = get_type_hints(hint)
    if value.keys() != hints.keys():
        missing = ", ".join(hints.keys() - value.keys()) or "none"
        unknown = ", ".join(value.keys() - hints.keys()) or "none"
        raise SpecError(
            f"{where} must have exactly the fields {', '.join(hints)}. Missing: {missing}; more: {unknown}."
        )
    fields = {name: read_plain(hints[name], value[name], f"{where}.{name}") for name in hints}
    try:
        return hint(**fields)
    except SpecError as error:
        raise SpecError(f"{where}: {error}") from None


def _name(hint: Any) -> str:
    names = {int: "an integer", float: "a finite number", bool: "true or false", str: "a string"}
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(repr, get_args(hint)))
    if get_origin(hint) is tuple:
        args = get_args(hint)
        return "a list" if args[-1] is ... else f"a list of {len(args)}"
    return names.get(hint) or {dict: "an object"}.get(get_origin(hint), f"{hint}, which JSON cannot hold")
