"""Which denoising step a model call belongs to."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from tokred.errors import SpecError


@dataclass(frozen=True)
class Position:
    """Where in a generation a model call is.

    Attributes:
        step: index of the denoising step, from 0.
        steps: number of denoising steps.
        branch: tells apart the calls of one step, such as the two halves of classifier-free guidance.
        fresh: whether the call begins a new generation.
        time: the share of noise, see `tokred.engine.noise`.
    """

    step: int
    steps: int
    branch: str
    fresh: bool
    time: float = field(default=0.0, compare=False)


@dataclass(frozen=True, eq=False)
class _Said:
    """What one `with tokred.step(...)` block says; told from others by identity."""

    index: int
    steps: int
    branch: str
    time: float


_explicit: contextvars.ContextVar[_Said | None] = contextvars.ContextVar("tokred.step", default=None)


@contextmanager
def step(index: int, steps: int, branch: str = "both", time: float | None = None) -> Iterator[None]:
    """Say which denoising step the model calls inside the `with` block belong to, in a loop written by hand.

    A step that comes before the last one, or the same step said again for the same branch, begins a new generation.

    Args:
        index: index of the step, from 0.
        steps: number of steps of the generation.
        branch: name of the guidance branch, where conditional and unconditional are called apart.
        time: the share of noise at this step, `sigma / (alpha + sigma)`, in [0, 1], which forecasts go by; for a
            rectified flow its sigma. By default it falls evenly from 1.

    Raises:
        SpecError: unless 0 <= index < steps and 0 <= time <= 1.

    Examples:
        >>> for i, t in enumerate(timesteps):  # doctest: +SKIP
        ...     with tokred.step(i, len(timesteps), time=t):
        ...         velocity = model(x, timestep=t)
    """
    if not 0 <= index < steps:
        raise SpecError(f"step index {index} of {steps} steps: the index must be at least 0 and below the number.")
    share = 1 - index / steps if time is None else float(time)
    if not 0 <= share <= 1:
        raise SpecError(
            f"time={time} at step {index} must be in [0, 1]: the share of noise, sigma / (alpha + sigma), which of a "
            "rectified flow is sigma. A timestep of 1,000 is divided by 1,000 first."
        )
    token = _explicit.set(_Said(index, steps, branch, share))
    try:
        yield
    finally:
        _explicit.reset(token)


class StepSource(Protocol):
    """Knows the position of the next model call."""

    def next_call(self) -> Position | None:
        """Return the position of the call that is about to happen, or None where it is not known."""
        ...

    def detach(self) -> None:
        """Leave no trace."""
        ...


class ExplicitSteps:
    """Follows `tokred.step(...)`.

    Args:
        alone: what a model call outside any `tokred.step` is: a generation of its own, as for a classifier, or of an
            unknown step.
    """

    def __init__(self, alone: bool) -> None:
        self.alone = alone
        self._said: _Said | None = None
        self._calls = 0
        self._branches: set[str] = set()

    def next_call(self) -> Position | None:
        """See `StepSource`. Further calls inside one `with` block are branches of their own."""
        said, last = _explicit.get(), self._said
        if said is None:
            return Position(0, 1, "both", fresh=True) if self.alone else None
        self._calls = self._calls + 1 if said is last else 0
        branch = f"{said.branch}, call {self._calls}" if self._calls else said.branch
        if last is None or said.index != last.index:
            self._branches.clear()
        fresh = last is None or said.index < last.index or branch in self._branches
        self._said = said
        self._branches = {branch} if fresh else self._branches | {branch}
        return Position(said.index, said.steps, branch, fresh, said.time)

    def detach(self) -> None:
        """See `StepSource`; nothing was attached."""
