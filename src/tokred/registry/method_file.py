"""Methods as JSON: parts by their registered names, with their parameters. Reading one executes nothing from the file.

```json
{
 "schema": 1,
 "name": "mine",
 "similarity": {"name": "cosine", "params": {"signal": "output"}},
 "matcher": {"name": "grid", "params": {"stride": [2, 2]}},
 "scheduler": {"name": "interval", "params": {"ratio": 0.5}},
 "recovery": {"name": "copy"},
 "sites": ["attn", "mlp"]
}
```
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from tokred.errors import OutputError, SpecError, TokredError, UnknownName
from tokred.interfaces import Matcher, Recovery, Scheduler, Signal, Similarity
from tokred.method import PARTS, Method
from tokred.plain import read_plain
from tokred.registry.component import Kind
from tokred.registry.default import component_of, default_registry
from tokred.registry.parameters import find_signal, parameter_hints, takes_signal

SCHEMA = 1
SUFFIX = ".json"
LARGEST = 2**20
"""Bytes of a file; a method takes a thousandth of it."""

INTERFACES: dict[Any, Kind] = {
    Similarity: "similarity",
    Matcher: "matcher",
    Scheduler: "scheduler",
    Recovery: "recovery",
}
"""Kinds of the parts that a part can be made of, by the type of its parameter."""
_OPTIONS = ("name", "paper", "merge", "sites", "keys", "share", "memory", "seed")


def save_method(method: Method, path: str | Path) -> None:
    """Write a method to a JSON file, which `read_method`, `apply` and `tokred bench --method` take.

    Raises:
        SpecError: if a part is not registered, or has a parameter that JSON cannot hold.
        OutputError: if the file cannot be written.

    Examples:
        >>> tokred.save_method(method, "mine.json")  # doctest: +SKIP
    """
    parts: dict[str, Any] = {kind: _written(kind, getattr(method, kind)) for kind in PARTS}
    options = {name: _plain(name, getattr(method, name)) for name in _OPTIONS}
    text = json.dumps({"schema": SCHEMA, **options, **parts}, indent=1, allow_nan=False) + "\n"
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error}. Name a file in a folder that you may write to."
        ) from error


def read_method(path: str | Path) -> Method:
    """Read a method from a JSON file that `save_method` wrote, or that was written by hand in the same form.

    Nothing is executed but the classes that are registered under the parts' names.

    Raises:
        SpecError: if the file is not a method; the message says where.
    """
    try:
        return _method(_load(Path(path)))
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from None


def _load(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise SpecError(f"the file cannot be read: {error.strerror}. Name one that tokred.save_method wrote.") from None
    if len(data) > LARGEST:
        raise SpecError(f"the file has more than {LARGEST} bytes, and a method takes a few hundred.")
    try:
        return json.loads(data, object_pairs_hook=_object, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise SpecError(f"the file is not valid JSON: {error}.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name!r} is there {names.count(name)} times in one object")
    return dict(pairs)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")


def _method(data: Any) -> Method:
    _check_fields("the method", data, ("schema", *PARTS), _OPTIONS)
    if data["schema"] != SCHEMA or isinstance(data["schema"], bool):
        raise SpecError(f"schema is {data['schema']!r}, and this version of tokred reads {SCHEMA}.")
    hints = get_type_hints(Method)
    options = {name: _parameter(hints[name], data[name], name) for name in _OPTIONS if name in data}
    parts: dict[str, Any] = {kind: _part(kind, data[kind], kind) for kind in PARTS}
    return Method(**options, **parts)


def _part(kind: Kind, data: Any, where: str) -> Any:
    """Make the part that a registered name and parameters describe; `where` is its place in the file."""
    _check_fields(where, data, ("name",), ("params",))
    name, params = read_plain(str, data["name"], f"{where}.name"), data.get("params", {})
    try:
        factory = default_registry().find(kind, name).load()
    except UnknownName as error:
        raise SpecError(f"{where}.name: {error}") from None
    signature = inspect.signature(factory).parameters
    required = [n for n, p in signature.items() if p.default is p.empty]
    _check_fields(f"{where}.params", params, required, [n for n in signature if n not in required])
    hints = parameter_hints(factory)
    read = {n: _parameter(hints.get(n, Any), value, f"{where}.params.{n}") for n, value in params.items()}
    try:
        return factory(**read)
    except TokredError as error:
        raise SpecError(f"{where}.params: {error}") from None
    except Exception as error:
        raise SpecError(f"{where}.params: {name!r} cannot be made of them: {type(error).__name__}: {error}") from None


def _parameter(hint: Any, value: Any, where: str) -> Any:
    """Return a part's parameter, which may be a part itself, or a tuple of parts."""
    if takes_signal(hint):
        return _signal(read_plain(str, value, where), where)
    if isinstance(value, dict):
        kind = next((INTERFACES[each] for each in (hint, *get_args(hint)) if each in INTERFACES), None)
        if kind is not None:
            return _part(kind, value, where)
    elif hint in INTERFACES:
        return _part(INTERFACES[hint], value, where)
    if get_origin(hint) is tuple and get_args(hint)[0] in INTERFACES and isinstance(value, list):
        return tuple(_parameter(get_args(hint)[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    return read_plain(hint, value, where)


def _signal(name: str, where: str) -> Signal:
    try:
        return find_signal(default_registry(), name)
    except UnknownName as error:
        raise SpecError(f"{where}: {error}") from None


def _check_fields(what: str, data: Any, required: Iterable[str], optional: Iterable[str]) -> None:
    if not isinstance(data, dict):
        raise SpecError(f"{what} must be an object, not {_short(data)}.")
    required, known = list(required), [*required, *optional]
    for name in data:
        if name not in known:
            raise UnknownName(f"field of {what}", name[:40], known)
    missing = [name for name in required if name not in data]
    if missing:
        raise SpecError(f"{what} lacks {', '.join(missing)}. Its fields: {', '.join(known)}.")


def _written(kind: Kind, part: Any) -> dict[str, Any]:
    """Describe a part by its registered name and its parameters."""
    name = _name_of(kind, part)
    names = inspect.signature(type(part)).parameters
    missing = [name for name in names if not hasattr(part, name)]
    if missing:
        raise SpecError(
            f"{kind}={part!r} cannot be saved: it has no attribute {missing[0]!r} that holds its parameter."
        )
    params = {name: _plain(f"{kind}: {name}", getattr(part, name)) for name in names}
    return {"name": name, "params": params}


def _name_of(kind: Kind, part: Any) -> str:
    """Return the name that a part's class is registered under."""
    registered = component_of(kind, type(part))
    if registered is None:
        raise SpecError(
            f"{kind}={part!r} cannot be saved: {type(part).__qualname__} is not registered, so nobody could find it by "
            "name. Register it as a component of a plugin, see 'Ship a plugin' in the docs."
        )
    return registered.component.name


def _plain(what: str, value: Any) -> Any:
    if isinstance(value, Signal):
        return _name_of("signal", value)
    kind = next((kind for interface, kind in INTERFACES.items() if isinstance(value, interface)), None)
    if kind is not None:
        return _written(kind, value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(what, getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(what, item) for item in value]
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise SpecError(f"{what}={value!r} cannot be saved: JSON holds numbers, strings, true, false and lists of them.")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
