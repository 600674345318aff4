"""From plain data, as JSON holds it, to dataclasses, with a check of every field; and back, into a file."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from tokred.bench.files import replacing
from tokred.errors import SpecError

_LIST_OF_NUMBERS = re.compile(r'\[\n[^\[\]{}"]*\]')


def write_plain(record: Any, path: Path) -> None:
    """Write a dataclass as a JSON file, whole or not at all; a list of numbers takes one line.

    Raises:
        OutputError: if it cannot be written.
    """
    text = json.dumps(dataclasses.asdict(record), indent=1, allow_nan=False)
    with replacing(path) as temporary:
        temporary.write_text(_LIST_OF_NUMBERS.sub(_one_line, text) + "\n", encoding="utf-8")


def _one_line(numbers: re.Match[str]) -> str:
    return " ".join(numbers[0].split()).replace("[ ", "[").replace(" ]", "]")


def read_plain(hint: Any, value: Any, where: str) -> Any:
    """Return `value` as the type `hint`, field by field.

    Args:
        hint: a dataclass, `int`, `float`, `str`, `tuple[X, ...]`, `dict[str, X]`, `Any`, a `Literal`, or
            `X | None`.
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
    if origin is UnionType:
        return None if value is None else read_plain(args[0], value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(read_plain(args[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {name: read_plain(args[1], item, f"{where}.{name}") for name, item in value.items()}
    if origin is Literal and value in args:
        return value
    if hint is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if hint in (int, str) and type(value) is hint:
        return value
    raise SpecError(f"{where} must be {_name(hint)}, not {value!r}.")


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
    names = {int: "an integer", float: "a finite number", str: "a string"}
    kinds = {tuple: "a list", dict: "an object"}
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(repr, get_args(hint)))
    return names.get(hint) or kinds[get_origin(hint)]
