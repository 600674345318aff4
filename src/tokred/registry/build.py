"""From a name and parameters to a method."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_origin, get_type_hints

from tokred.errors import PluginError, SpecError, TokredError, UnknownName
from tokred.method import Method
from tokred.registry.component import Kind
from tokred.registry.registry import Registry


def build_method(registry: Registry, method: str | Method, params: Mapping[str, Any]) -> Method:
    """Return a method, made by its factory where a name is given.

    Args:
        registry: where names are looked up.
        method: a registered name; or a method, or the path of a .json file of one, which take no parameters.
        params: the factory's parameters.

    Raises:
        SpecError: if the name or a parameter is unknown or out of range.
        PluginError: if the method is another distribution's and cannot be imported or made.
    """
    if isinstance(method, str) and method.endswith(".json"):
        method = Method.read(method)
    if isinstance(method, Method):
        if params:
            raise SpecError(
                f"Parameters {', '.join(params)} were given beside a Method. Change the method itself: "
                "dataclasses.replace(method, ...)."
            )
        return method
    try:
        registered = registry.find("method", method)
    except UnknownName:
        if method in {registered.component.name for registered in registry.all("baseline")}:
            raise SpecError(
                f"{method!r} is a baseline and reduces no tokens: compare with it by `tokred bench --method {method}`."
            ) from None
        raise
    factory = registered.load()
    check_parameters(f"method {method!r}", factory, params)
    try:
        built = factory(**params)
    except TokredError:
        raise
    except Exception as error:
        raise PluginError(
            f"Method {method!r} of {registered.provider} cannot be made ({type(error).__name__}: {error})."
        ) from error
    if not isinstance(built, Method):
        raise SpecError(f"The factory of method {method!r} returned {built!r}, which is no tokred.Method.")
    return built


def build_part(registry: Registry, kind: Kind, text: str) -> Any:
    """Return the part that "NAME" or "NAME:key=value,..." describes.

    Raises:
        SpecError: if the name or a parameter is unknown or out of range, or one is missing.
    """
    name, _, given = text.partition(":")
    factory = registry.find(kind, name).load()
    what = f"{kind} {name!r}"
    params = parse_parameters(what, factory, given)
    required = [n for n, p in inspect.signature(factory).parameters.items() if p.default is p.empty]
    missing = [n for n in required if n not in params]
    if missing:
        raise SpecError(f"{what} needs {', '.join(missing)}. Write {name}:{missing[0]}=VALUE, or pass an object.")
    return factory(**params)


def check_parameters(what: str, factory: Any, params: Mapping[str, Any]) -> None:
    """Raise `UnknownName` for a parameter that `factory` does not take."""
    known = inspect.signature(factory).parameters
    for name in params:
        if name not in known:
            raise UnknownName(f"parameter of {what}:", name, known)


def parse_parameters(what: str, factory: Any, text: str) -> dict[str, Any]:
    """Read "key=value,key=value", each value as the type that `factory` declares.

    A pair of numbers is written 2x4, a tuple of names attn+mlp.

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
        if hint == tuple[int, int]:
            first, second = value.split("x")
            return int(first), int(second)
    except (ValueError, KeyError):
        wanted = "a pair such as 2x2" if hint == tuple[int, int] else {bool: "true or false"}.get(hint, hint.__name__)
        raise SpecError(f"{what} cannot be read: the value must be {wanted}.") from None
    if get_origin(hint) is tuple:
        return tuple(_read(what, item, get_args(hint)[0]) for item in value.split("+"))
    return value
