"""The registry of components, and what is asked of it most."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn

from tokred.errors import PluginError, UnsupportedModel
from tokred.family import Family
from tokred.method import Method
from tokred.registry import build
from tokred.registry.component import API_VERSION, KINDS, Component, Kind, resolve
from tokred.registry.hooks import hookimpl
from tokred.registry.registry import Provider, Registered, Registry

__all__ = [
    "API_VERSION",
    "KINDS",
    "Component",
    "Kind",
    "Provider",
    "Registered",
    "Registry",
    "build_method",
    "build_part",
    "component_of",
    "components",
    "default_registry",
    "families",
    "family_for",
    "family_of",
    "hookimpl",
    "registered_families",
    "registered_name",
    "resolve",
]


@functools.cache
def default_registry() -> Registry:
    """Return the registry of this process."""
    return Registry()


def components(kind: Kind) -> list[Registered]:
    """Return every component of a kind, with the distribution that it comes from."""
    return list(default_registry().all(kind))


def component_of(kind: Kind, part: type) -> Registered | None:
    """Return the component that a class is registered as; None where it is not."""
    package = part.__module__.partition(".")[0]
    for registered in components(kind):
        if registered.component.target.partition(".")[0].partition(":")[0] == package and registered.load() is part:
            return registered
    return None


def build_method(method: str | Method, params: Mapping[str, Any]) -> Method:
    """Return a method from this process's registry, see `tokred.registry.build.build_method`."""
    return build.build_method(default_registry(), method, params)


def build_part(kind: Kind, text: str) -> Any:
    """Return a part from this process's registry, see `tokred.registry.build.build_part`."""
    return build.build_part(default_registry(), kind, text)


def families() -> list[Family]:
    """Return every family, those of other distributions after tokred's own."""
    return [family for _, family in registered_families()]


def registered_families() -> Iterator[tuple[Registered, Family]]:
    """Yield every family with its component; one of another distribution that fails costs a warning."""
    for registered, family in default_registry().loaded("family"):
        with _left_out_if_broken(registered):
            if not isinstance(family, Family):
                raise PluginError(f"{registered.component.target} is a {type(family).__name__}, no tokred.Family")
            yield registered, family


def family_of(model: nn.Module) -> Family | None:
    """Return the family that describes a model; that of its own class before that of one it inherits from."""
    described = {name: family for family in reversed(families()) for name in family.models}
    names = map(registered_name, type(model).__mro__)
    return next((described[name] for name in names if name in described), None)


def family_for(model: nn.Module, what: str) -> Family:
    """Return the family that describes a model, as `what` needs it.

    Raises:
        UnsupportedModel: if there is none.
    """
    family = family_of(model)
    if family is not None:
        return family
    known = ", ".join(name.partition(".")[2] for known in families() for name in known.models)
    raise UnsupportedModel(
        f"No family describes {type(model).__module__}.{type(model).__name__}, and {what} has to know its tokens. Use "
        "a method that skips whole calls, such as 'balanced', or describe the family: see 'Add a model family' in the "
        f"docs. Described are: {known}."
    )


def registered_name(kind: type) -> str:
    """Return what families call a model's class: its library and its name."""
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"


@contextmanager
def _left_out_if_broken(registered: Registered) -> Iterator[None]:
    """Make an error of another distribution's component a warning; see `Registry.leave_out`."""
    try:
        yield
    except Exception as error:
        component = registered.component
        if default_registry().built_in(component.kind, component.name):
            raise
        why = f"{component.kind} {component.name!r}: {type(error).__name__}: {error}"
        default_registry().leave_out(registered.provider, why, error)
