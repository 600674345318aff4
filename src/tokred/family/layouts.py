"""How a call's tokens are laid out, read by a family's description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from tokred.family.description import Family
from tokred.layout import Layout


def entry_of(family: Family, model: nn.Module) -> nn.Module:
    """Return the module whose call begins a model call and tells its layout."""
    return model.get_submodule(family.entry(model) if callable(family.entry) else family.entry)


def layout_of(family: Family, model: nn.Module, arguments: Mapping[str, Any]) -> Layout:
    """Work out the layout of a call of the entry from its arguments, by name."""
    grids = family.grid(model, arguments)
    return Layout(
        grids=grids,
        prefix=family.prefix(model),
        text=_text(family, model, arguments),
        roles=tuple(family.roles[min(place, len(family.roles) - 1)] for place in range(len(grids))),
    )


def _text(family: Family, model: nn.Module, arguments: Mapping[str, Any]) -> int:
    """Count the text tokens."""
    if callable(family.text):
        return family.text(model, arguments)
    text = arguments.get(family.text)
    return 0 if text is None else int(text.shape[1])
