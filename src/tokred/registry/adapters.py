"""The adapters of this process's registry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from tokred.adapter import Adapter
from tokred.errors import PluginError, UnsupportedModel
from tokred.registry.default import default_registry
from tokred.registry.registry import Registered


def adapters() -> Iterator[tuple[Registered, Adapter]]:
    """Yield every adapter with its component; one of another distribution that fails costs a warning."""
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
