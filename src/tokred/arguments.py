"""The arguments of a call, by name, however they were passed."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn


def argument_names(module: nn.Module) -> tuple[str, ...]:
    """Return the names of the arguments that the class of `module` takes by position."""
    parameters = list(inspect.signature(type(module).forward).parameters.values())[1:]
    return tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)


class Arguments(Mapping[str, Any]):
    """Reads and replaces arguments by name and keeps the way in which each was passed.

    What is passed by position beyond the names, to a `*args`, is named "*0", "*1" and so on.

    Args:
        names: names of the positional arguments, in order.
        args: what was passed by position.
        kwargs: what was passed by name.
    """

    def __init__(self, names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        more = range(len(args) - len(names))
        self._names = (*names[: len(args)], *(f"*{index}" for index in more))
        self.args = list(args)
        self.kwargs = dict(kwargs)

    def __getitem__(self, name: str) -> Any:
        return self.args[self._names.index(name)] if name in self._names else self.kwargs[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self._names:
            self.args[self._names.index(name)] = value
        else:
            self.kwargs[name] = value

    def __iter__(self) -> Iterator[str]:
        yield from self._names
        yield from self.kwargs

    def __len__(self) -> int:
        return len(self._names) + len(self.kwargs)
