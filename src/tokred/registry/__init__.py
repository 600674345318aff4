"""The registry of components, and what is asked of it most."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from torch import nn

from tokred.adapter import Adapter
from tokred.errors import UnsupportedModel
from tokred.method import Method
from tokred.registry import build
from tokred.registry.component import API_VERSION, KINDS, Component, Kind
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
    "adapter_for",
    "build_method",
    "components",
    "default_registry",
    "hookimpl",
]


@functools.cache
def default_registry() -> Registry:
    """Return the registry of this process."""
    return Registry()


def components(kind: Kind) -> list[Registered]:
    """Return every component of a kind, with the distribution that it comes from."""
    return list(default_registry().all(kind))


def build_method(method: str | Method, params: Mapping[str, Any]) -> Method:
    """Return a method from this process's registry, see `tokred.registry.build.build_method`."""
    return build.build_method(default_registry(), method, params)


def adapter_for(model: nn.Module) -> Adapter:
    """Return the adapter that knows `model`.

    Raises:
        UnsupportedModel: if there is none.
    """
    known: list[str] = []
    for registered in components("adapter"):
        adapter: Adapter = registered.component.load()()
        if adapter.matches(model):
            return adapter
        known += adapter.models
    raise UnsupportedModel(
        f"No adapter knows {type(model).__module__}.{type(model).__name__}. Known: {', '.join(known)}. A plugin can "
        "add a family: see 'Write an adapter' in the docs."
    )
