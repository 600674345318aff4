"""The registry of components, and what is asked of it most."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tokred.errors import PluginError, UnsupportedModel
from tokred.registry.component import API_VERSION, KINDS, Component, Kind, resolve
from tokred.registry.hooks import hookimpl
from tokred.registry.registry import Provider, Registered, Registry

if TYPE_CHECKING:
    from torch import nn

    from tokred.adapter import Adapter
    from tokred.method import Method

__all__ = [
    "API_VERSION",
    "KINDS",
    "Component",
    "Kind",
    "Provider",
    "Registered",
    "Registry",
    "adapter_for",
    "adapters",
    "build_method",
    "build_part",
    "component_of",
    "components",
    "default_registry",
    "hookimpl",
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
    from tokred.registry import build

    return build.build_method(default_registry(), method, params)


def build_part(kind: Kind, text: str) -> Any:
    """Return a part from this process's registry, see `tokred.registry.build.build_part`."""
    from tokred.registry import build

    return build.build_part(default_registry(), kind, text)


def adapters() -> Iterator[tuple[Registered, Adapter]]:
    """Yield every adapter with its component; one of another distribution that fails costs a warning."""
    from tokred.adapter import Adapter

    for registered, target in default_registry().loaded("adapter"):
        with _left_out_if_broken(registered):
            adapter = target()
            if not isinstance(adapter, Adapter):
                made = f"{registered.component.target} makes a {type(adapter).__name__}"
                raise PluginError(f"{made}, which is no tokred.Adapter")
            yield registered, adapter


def adapter_for(model: nn.Module) -> Adapter:
    """Return the adapter that knows `model`; those of other distributions are asked after tokred's own.

    Raises:
        UnsupportedModel: if there is none.
    """
    known: list[str] = []
    for registered, adapter in adapters():
        known += adapter.models
        with _left_out_if_broken(registered):
            if adapter.matches(model):
                return adapter
    raise UnsupportedModel(
        f"No adapter knows {type(model).__module__}.{type(model).__name__}. Known: {', '.join(known)}. A plugin can "
        "add a family: see 'Write an adapter' in the docs."
    )


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
