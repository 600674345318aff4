"""The model families of this process's registry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tokred.errors import PluginError, UnsupportedModel
from tokred.family import Family
from tokred.family.whole import takes_time
from tokred.registry.default import default_registry
from tokred.registry.registry import Registered

if TYPE_CHECKING:
    from torch import nn


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
    names = [registered_name(kind) for kind in type(model).__mro__]
    described: dict[str, Family] = {}
    for _, family in registered_families():
        for name in family.models:
            described.setdefault(name, family)
        if names[0] in described:  # so that other distributions are not imported where nobody needs them
            break
    return next((described[name] for name in names if name in described), None)


def family_for(model: nn.Module, what: str) -> Family:
    """Return the family that describes a model, as `what` needs it.

    Raises:
        UnsupportedModel: if there is none.
    """
    family = family_of(model)
    if family is not None:
        return family
    inside = next((path for path, module in model.named_modules() if path and family_of(module)), None)
    if inside is not None:
        raise UnsupportedModel(
            f"No family describes {registered_name(type(model))}, but its `{inside}` is a "
            f"{type(model.get_submodule(inside)).__name__}, which is described. Pass that to {what}."
        )
    known = ", ".join(name.partition(".")[2] for known in families() for name in known.models)
    skipped = (
        "Methods that skip whole calls, such as 'balanced', work on it all the same. " if takes_time(model) else ""
    )
    raise UnsupportedModel(
        f"No family describes {type(model).__module__}.{type(model).__name__}, and {what} has to know its tokens. "
        f"{skipped}Describe it: see 'Add a model family' in the docs. Described are: {known}."
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
