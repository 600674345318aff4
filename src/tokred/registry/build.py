"""From names and parameters to methods and their parts."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokred.errors import PluginError, SpecError, TokredError, UnknownName
from tokred.interfaces import Matcher, Recovery, Scheduler, Similarity
from tokred.method import KEYS, Keys, Method
from tokred.registry.component import Kind
from tokred.registry.default import default_registry
from tokred.registry.method_file import SUFFIX, read_method
from tokred.registry.parameters import check_parameters, parse_parameters, with_signals
from tokred.registry.registry import Registered


def build_method(method: str | Path | Method, params: Mapping[str, Any]) -> Method:
    """Return a method, made by its factory where a name is given.

    Args:
        method: a registered name in any case, or "NAME:key=value,..."; or a method, or the path of a .json file of one,
            which take no parameters.
        params: the factory's parameters; lists stand for tuples, and numbers of NumPy for Python's.

    Raises:
        SpecError: if the name or a parameter is unknown or out of range, or a parameter is given twice.
        PluginError: if the method is another distribution's and cannot be imported or made.
    """
    if isinstance(method, Path) or (isinstance(method, str) and method.endswith(SUFFIX)):
        method = read_method(method)
    if isinstance(method, Method):
        if params:
            raise SpecError(
                f"Parameters {', '.join(params)} were given beside a Method. Change the method itself: "
                "dataclasses.replace(method, ...)."
            )
        return method
    if not isinstance(method, str):
        raise SpecError(f"{method!r} is not a method. Pass a name, a path of a .json file, or a tokred.Method.")
    name, _, written = method.partition(":")
    registered = _find_method(name)
    component, factory = registered.component, registered.load()
    params = _joined(component.name, parse_parameters(f"method {component.name!r}", factory, written), params)
    return _built(registered, factory, params)


def _find_method(name: str) -> Registered:
    registry = default_registry()
    try:
        return registry.find("method", name)
    except UnknownName:
        if name in {registered.component.name for registered in registry.all("baseline")}:
            raise SpecError(
                f"{name!r} is a baseline and reduces no tokens: compare with it by `tokred bench --method {name}`."
            ) from None
        raise


def _joined(name: str, written: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters that were written in a text and those beside it."""
    for twice in written.keys() & params.keys():
        raise SpecError(f"{twice} of method {name!r} is given twice. Leave one of them out.")
    return {**written, **{key: _plain(value) for key, value in params.items()}}


def _plain(value: Any) -> Any:
    """Return tuples for lists, and Python's numbers for those of NumPy."""
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    return value.item() if type(value).__module__ == "numpy" and not value.ndim else value


def _built(registered: Registered, factory: Any, params: Mapping[str, Any]) -> Method:
    name = registered.component.name
    check_parameters(f"method {name!r}", factory, params)
    try:
        built = factory(**with_signals(default_registry(), factory, params))
    except TokredError:
        raise
    except Exception as error:
        raise PluginError(
            f"Method {name!r} of {registered.provider} cannot be made ({type(error).__name__}: {error})."
        ) from error
    if not isinstance(built, Method):
        raise SpecError(f"The factory of method {name!r} returned {built!r}, which is not a tokred.Method.")
    return built


def build_part(kind: Kind, text: str) -> Any:
    """Return the part that "NAME" or "NAME:key=value,..." describes.

    Raises:
        SpecError: if the name or a parameter is unknown or out of range, or one is missing.
    """
    registry = default_registry()
    name, _, given = text.partition(":")
    factory = registry.find(kind, name).load()
    what = f"{kind} {name!r}"
    params = parse_parameters(what, factory, given)
    required = [n for n, p in inspect.signature(factory).parameters.items() if p.default is p.empty]
    missing = [n for n in required if n not in params]
    if missing:
        raise SpecError(f"{what} needs {', '.join(missing)}. Write {name}:{missing[0]}=VALUE, or pass an object.")
    return factory(**with_signals(registry, factory, params))


def compose(
    *,
    similarity: Similarity | str,
    matcher: Matcher | str,
    scheduler: Scheduler | str,
    recovery: Recovery | str,
    keys: Keys | Recovery | str = "kept",
    **options: Any,
) -> Method:
    """Make a method of parts, each an object or the name that it is registered under, with its parameters.

    Args:
        similarity: how alike tokens are, such as "cosine:signal=output".
        matcher: which tokens are removed, and into which, such as "grid:stride=2x4".
        scheduler: when sites match and reduce, and how much, such as "interval:ratio=0.5,interval=3".
        recovery: how removed tokens come back, such as "copy".
        keys: "kept", "full", "recovered" or "weighted", or the recovery of keys and values, such as "cached".
        **options: what else `Method` has: `merge`, `sites`, `share`, `memory`, `seed`, `name`, `paper`.

    Raises:
        SpecError: if a name or a parameter is unknown or out of range, or the parts do not fit together.

    Examples:
        >>> import tokred
        >>> method = tokred.compose(
        ...     similarity="cosine:signal=output",
        ...     matcher="grid",
        ...     scheduler="interval:ratio=0.5,interval=3",
        ...     recovery="copy",
        ...     sites=("attn", "mlp"),
        ... )
    """
    return Method(
        similarity=_part("similarity", similarity),
        matcher=_part("matcher", matcher),
        scheduler=_part("scheduler", scheduler),
        recovery=_part("recovery", recovery),
        keys=keys if keys in KEYS else _part("recovery", keys),
        **options,
    )


def _part(kind: Kind, part: Any) -> Any:
    return build_part(kind, part) if isinstance(part, str) else part
