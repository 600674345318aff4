"""The one hook that a plugin implements."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from tokred.registry.component import Component

hookspec = pluggy.HookspecMarker("tokred")
hookimpl = pluggy.HookimplMarker("tokred")
"""Marks the function `tokred_components` of a plugin, which yields its components."""


class Hooks:
    """Specification of tokred's hooks."""

    @hookspec
    def tokred_components(self) -> Iterable[Component]:  # type: ignore[empty-body]
        """Yield the components that this plugin offers."""
