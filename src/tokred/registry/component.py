"""What a plugin offers, as data."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from tokred.errors import SpecError

Kind = Literal["similarity", "matcher", "scheduler", "recovery", "method", "adapter", "rival"]
KINDS: tuple[Kind, ...] = get_args(Kind)

API_VERSION = (1, 0)
"""Version of the plugin interface: a plugin asks for the one it was written against."""


@dataclass(frozen=True)
class Component:
    """One thing that a plugin offers.

    Attributes:
        kind: "similarity", "matcher", "scheduler" or "recovery" (a class), "method" (a function that returns a
            `tokred.Method`), "adapter" (a class), or "rival" (a class of something to compare with that is no token
            method).
        name: what it is called, unique within its kind.
        target: where it is, as "package.module:attribute"; imported on first use.
        summary: what it does, in one line.
        requires_api: version of the plugin interface that it was written against.
        levels: parameters of the runs that `tokred bench` makes when the name is given without any.

    Raises:
        SpecError: if the kind is unknown or the target is not of that form.
    """

    kind: Kind
    name: str
    target: str
    summary: str
    requires_api: tuple[int, int] = (1, 0)
    levels: tuple[Mapping[str, Any], ...] = ({},)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SpecError(f"Component kind {self.kind!r} is not known. Allowed: {', '.join(KINDS)}.")
        module, colon, attribute = self.target.partition(":")
        if not (module and colon and attribute):
            raise SpecError(f"Target {self.target!r} of {self.kind} {self.name!r} must be 'package.module:attribute'.")

    def load(self) -> Any:
        """Import and return the target."""
        module, _, attribute = self.target.partition(":")
        return getattr(importlib.import_module(module), attribute)
