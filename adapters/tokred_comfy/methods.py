"""The methods that nodes offer, and their parameters as widgets."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, get_origin

from comfy_api.latest import io

import tokred
from tokred.registry import Parameter, Registered, build_method, components, parameters_of, parse_parameters

LARGEST = 2**63 - 1
DEFAULT = "balanced"


def offered() -> list[Registered]:
    """Return the methods that can draw, presets first: those that remove tokens for good need a classifier."""
    return list(_drawing())


def _drawing() -> Iterator[Registered]:
    for registered in components("method"):
        with suppress(tokred.TokredError, TypeError):  # what cannot be made without parameters has no node
            if build_method(registered.component.name, {}).sites != ("stream",):
                yield registered


def options() -> list[io.DynamicCombo.Option]:
    """Return each method with a widget for each of its parameters, from what `tokred methods NAME` prints."""
    return [io.DynamicCombo.Option(method.component.name, _widgets(method.load())) for method in offered()]


def made_of(chosen: Mapping[str, Any]) -> tokred.Method:
    """Return the method that widgets describe.

    Args:
        chosen: its name under "method", and its parameters.

    Raises:
        SpecError: if a parameter cannot be read or is out of range.
    """
    name = chosen["method"]
    factory = next(method.load() for method in components("method") if method.component.name == name)
    params = {each.name: _value(name, factory, each, chosen) for each in parameters_of(factory)}
    defaults = {each.name: each.default for each in parameters_of(factory)}
    return build_method(name, {key: value for key, value in params.items() if value != defaults[key]})


def _value(method: str, factory: Any, parameter: Parameter, chosen: Mapping[str, Any]) -> Any:
    value = chosen.get(parameter.name, parameter.default)
    if get_origin(parameter.hint) is not tuple or not isinstance(value, str):
        return value
    return parse_parameters(f"method {method!r}", factory, f"{parameter.name}={value}")[parameter.name]


def _widgets(factory: Any) -> list[Any]:
    said = _arguments(inspect.getdoc(factory) or "")
    return [_widget(parameter, said.get(parameter.name, "")) for parameter in parameters_of(factory)]


def _widget(parameter: Parameter, said: str) -> Any:
    """Return the widget of a parameter; tokred itself checks what is out of range."""
    name, default = parameter.name, parameter.default
    if parameter.hint is bool:
        return io.Boolean.Input(name, default=default, tooltip=said)
    if parameter.hint is int:
        return io.Int.Input(name, default=default, min=0, max=LARGEST, tooltip=said)
    if parameter.hint is float:
        return io.Float.Input(name, default=float(default), min=-1e9, max=1e9, step=0.01, round=False, tooltip=said)
    if parameter.choices and get_origin(parameter.hint) is not tuple:
        return io.Combo.Input(name, options=list(parameter.choices), default=default, tooltip=said)
    return io.String.Input(name, default=parameter.written, tooltip=f"{said} ({parameter.values})")


def _arguments(doc: str) -> dict[str, str]:
    """Return what a docstring says of each argument."""
    section = re.search(r"^Args:\n((?:    .*\n?|\n)+)", doc, re.MULTILINE)
    entries = re.split(r"^    (?=\w+:)", section[1] if section else "", flags=re.MULTILINE)
    pairs = [entry.partition(":") for entry in entries if entry.strip()]
    return {name.strip(): " ".join(text.split()) for name, _, text in pairs}
