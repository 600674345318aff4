"""The registry of this process."""

from __future__ import annotations

import functools

from tokred.registry.component import Kind
from tokred.registry.registry import Registered, Registry


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
