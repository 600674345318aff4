"""From names and parameters to methods and their parts."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from tokred.errors import PluginError, SpecError, TokredError, UnknownName
from tokred.interfaces import Matcher, Recovery, Scheduler, Similarity
from tokred.method import KEYS, Keys, Method
from tokred.registry.component import Kind
from tokred.registry.default import default_registry
from tokred.registry.method_file import SUFFIX, read_method
from tokred.registry.parameters import check_parameters, parse_parameters, with_signals


def build_method(method: str | Method, params: Mapping[str, Any]) -> Method:
    """Return a method, made by its factory where a name is given.

    Args:
        method: a registered name; or a method, or the path of a .json file of one, which take no parameters.
        params: the factory's parameters.

    Raises:
        SpecError: if the name or a parameter is unknown or out of range.
        PluginError: if the method is another distribution's and cannot be imported or made.
    """
    if isinstance(method, str) and method.endswith(SUFFIX):
        method = read_method(method)
    if isinstance(method, Method):
        if params:
            raise SpecError(
                f"Parameters {', '.join(params)} were given beside a Method. Change the method itself: "
                "dataclasses.replace(method, ...)."
            )
        return method
    registry = default_registry()
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
    params = with_signals(registry, factory, params)
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
