"""A check, what it examines, and where that is made to work."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from tokred.baselines import Baseline
from tokred.family import Family
from tokred.interfaces import Matcher, Recovery, Scheduler, Signal, Similarity
from tokred.method import Method
from tokred.metrics import Metric
from tokred.registry import Kind
from tokred.testing.host import Host

INTERFACES: dict[Kind, type] = {
    "method": Method,
    "family": Family,
    "similarity": Similarity,
    "matcher": Matcher,
    "scheduler": Scheduler,
    "recovery": Recovery,
    "signal": Signal,
    "metric": Metric,
    "baseline": Baseline,
}
"""What a component of each kind has to be."""


@dataclass(frozen=True, eq=False)
class Specimen:
    """A component with one set of parameters.

    Attributes:
        kind: of the component.
        name: what results call it.
        source: the class or function that makes it, which has the documentation.
        factory: makes a fresh one, from keyword parameters.
        params: the parameters.
        hosts: the models that it is checked on, if it is a family, or a method that fits these only.
    """

    kind: Kind
    name: str
    source: Any
    factory: Callable[..., Any]
    params: Mapping[str, Any] = field(default_factory=dict)
    hosts: tuple[Host, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.kind, self.name, *(f"{name}={value}" for name, value in self.params.items())])

    def make(self, **changes: Any) -> Any:
        """Make one that was never used, with some parameters changed."""
        made = self.factory(**{**self.params, **changes})
        interface = INTERFACES[self.kind]
        lacking = [name for name in vars(interface) if not name.startswith("_") and not hasattr(made, name)]
        demand(
            isinstance(made, interface), f"{type(made).__name__} is not a {interface.__name__}: it has no {lacking}."
        )
        return made

    @property
    def takes_ratio(self) -> bool:
        """Whether it has a parameter `ratio`."""
        return "ratio" in inspect.signature(self.factory).parameters


@dataclass(frozen=True)
class Stage:
    """A place where a component works on a batch: every kind has its own.

    Attributes:
        name: what messages call it.
        x: a batch of inputs, `[B, ...]`, floating point.
        perform: makes outputs `[B, ...]` of a component and inputs; the third argument says whether through
            `torch.compile` with `fullgraph=True`.
        per_sample: whether the samples of the batch are independent.
    """

    name: str
    x: torch.Tensor
    perform: Callable[[Any, torch.Tensor, bool], torch.Tensor]
    per_sample: bool = True

    def play(self, part: Any, x: torch.Tensor | None = None, compiled: bool = False) -> torch.Tensor:
        """Return the outputs for a copy of `x`, with the global random generator in one known state."""
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            return self.perform(part, (self.x if x is None else x).clone(), compiled)

    def play_compiled(self, part: Any) -> torch.Tensor:
        """Return the outputs through `torch.compile`, and leave no compiled code behind."""
        torch._dynamo.reset()
        try:
            return self.play(part, compiled=True)
        finally:
            torch._dynamo.reset()


@dataclass(frozen=True)
class Check:
    """One promise, and the function that tries whether a component keeps it.

    Attributes:
        function: raises an `AssertionError` where it does not; the first line of its docstring is the promise.
        kinds: what it is for.
        applies: says whether it is for a specimen, by its traits.
        every_level: whether a method is tried at every level, or once where levels differ by a number alone.
    """

    function: Callable[[Specimen], None]
    kinds: tuple[Kind, ...]
    applies: Callable[[Specimen], bool] = lambda specimen: True
    every_level: bool = False

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.function.__name__

    @property
    def promise(self) -> str:
        """What is promised, in a sentence."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def suits(self, specimen: Specimen) -> bool:
        """Say whether the check is for `specimen`."""
        return specimen.kind in self.kinds and self.applies(specimen)


def demand(kept: bool, broken: str) -> None:
    """Raise an `AssertionError` that says what is broken, unless a promise is kept; also under `python -O`."""
    if not kept:
        raise AssertionError(broken)


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Say whether two tensors are the same bit for bit; NaN equals NaN."""
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a.nan_to_num(nan=-7e8), b.nan_to_num(nan=-7e8))
