"""What runs are compared with, as it is named: the runs of a method, or those of them with given parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from tokred.errors import SpecError, UnknownName
from tokred.registry import written

ANY = "*"
"""Stands for any value that a run was given."""
Named = tuple[str, Mapping[str, Any]]
"""Name and parameters of a run."""


@dataclass(frozen=True)
class Reference:
    """Runs that others are compared with.

    Attributes:
        text: "NAME" or "NAME:key=value,...", as it was given.
        name: of the method or baseline.
        given: the parameters that select some of its runs, as they were written; `*` for any value.
    """

    text: str
    name: str
    given: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `text`. No method of that name has to be installed: files of results may come from elsewhere.

        Raises:
            SpecError: if a parameter has no value.
        """
        name, _, params = text.partition(":")
        pairs = [part.partition("=") for part in params.split(",") if part]
        for key, _, value in pairs:
            if not value:
                raise SpecError(f"{key!r} of --against {text} has no value. Write {key}=VALUE.")
        return cls(text, name, {key.strip(): value.strip() for key, _, value in pairs})

    def selects(self, run: Named) -> bool:
        """Tell whether a run is one of those that are meant: parameters that it was not given are not looked up."""
        name, params = run
        return name == self.name and all(
            key in params and _same(params[key], value) for key, value in self.given.items()
        )

    def rest(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that the reference does not name: a run and its twin have the same."""
        return {key: value for key, value in params.items() if key not in self.given}

    def check(self, runs: Iterable[Named]) -> None:
        """Raise `SpecError` unless it selects some of `runs`, but not all."""
        runs = list(runs)
        names = dict.fromkeys(name for name, _ in runs)
        if self.name not in names:
            raise UnknownName("reference", self.name, names, "Name one of the methods and baselines that ran.")
        selected = [self.selects(run) for run in runs]
        if not any(selected):
            has = "; ".join(_listed(params) for name, params in runs if name == self.name)
            raise SpecError(
                f"No run fits the reference {self.text}. The runs of {self.name} have: {has}. Name parameters as a run "
                "was given them; defaults are not looked up."
            )
        if all(selected):
            raise SpecError(f"Every run fits the reference {self.text}, and none is left to compare with it.")


def parse_references(texts: Iterable[str]) -> tuple[Reference, ...]:
    """Read references, each of them once.

    Raises:
        SpecError: if one cannot be read.
    """
    return tuple(Reference.parse(text) for text in dict.fromkeys(texts))


def _same(value: Any, text: str) -> bool:
    """Tell whether `text` writes a parameter's value, as tables do or as any other number of the same size."""
    if text in (ANY, written(value)):
        return True
    try:
        return type(value) in (int, float) and float(text) == value
    except ValueError:
        return False


def _listed(params: Mapping[str, Any]) -> str:
    return ",".join(f"{key}={written(value)}" for key, value in params.items()) or "no parameters"
