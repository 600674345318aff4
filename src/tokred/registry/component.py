"""What a plugin offers, as data."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from tokred.errors import SpecError

Kind = Literal["similarity", "matcher", "scheduler", "recovery", "signal", "method", "family", "baseline", "metric"]
KINDS: tuple[Kind, ...] = get_args(Kind)

API_VERSION = (1, 0)
"""Version of the plugin interface: a plugin asks for the one it was written against."""


@dataclass(frozen=True)
class Component:
    """One thing that a plugin offers.

    Attributes:
        kind: "similarity", "matcher", "scheduler" or "recovery" (a class), "signal" (a class that is made without
            parameters), "method" (a function that returns a `tokred.Method`), "family" (a `tokred.Family`), "baseline"
            (a class of something to compare with that is not a token method), or "metric" (a `tokred.metrics.Metric`,
            or a function that returns one).
        name: what it is called, unique within its kind.
        target: where it is, as "package.module:attribute"; imported on first use.
        summary: what it does, in one line.
        requires_api: version of the plugin interface that it was written against.
        levels: parameters of the runs that `tokred bench` makes when the name is given without any, and that
            `tokred check` checks; for a part, of those that it has no defaults for.
        hosts: where the tiny models are that `tokred check` checks a family on, or a method whose trained weights fit
            no other, as "package.module:attribute": a tuple of `tokred.testing.Host`.
        expected_failures: the reason for each check of `tokred check`, by its name, that is known to fail; a method's
            are those of its parts too that are not components.

    Raises:
        SpecError: if the kind is unknown, the target is not of that form, or a field is of another type.
    """

    kind: Kind
    name: str
    target: str
    summary: str
    requires_api: tuple[int, int] = (1, 0)
    levels: tuple[Mapping[str, Any], ...] = ({},)
    hosts: str = ""
    expected_failures: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SpecError(f"Component kind {self.kind!r} is not known. Allowed: {', '.join(KINDS)}.")
        for name in ("name", "target", "summary", "hosts"):
            if not isinstance(getattr(self, name), str):
                raise SpecError(f"{name}={getattr(self, name)!r} of a {self.kind} must be a string.")
        if not isinstance(self.levels, tuple) or not all(isinstance(level, Mapping) for level in self.levels):
            raise SpecError(f"levels of {self.kind} {self.name!r} must be a tuple of parameters, such as ({{}},).")
        for name in ("target", "hosts"):
            module, colon, attribute = getattr(self, name).partition(":")
            if not (module and colon and attribute) and (name == "target" or self.hosts):
                what = f"{name.capitalize()} {getattr(self, name)!r} of {self.kind} {self.name!r}"
                raise SpecError(f"{what} must be 'package.module:attribute'.")
        for check, reason in self.expected_failures.items():
            if not isinstance(reason, str) or not reason.strip():
                raise SpecError(f"Check {check!r} of {self.kind} {self.name!r} is expected to fail: write why.")

    def load(self) -> Any:
        """Import and return the target."""
        return resolve(self.target)


def resolve(target: str) -> Any:
    """Import and return what "package.module:attribute" names."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)
