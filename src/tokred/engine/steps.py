"""Which denoising step a model call belongs to."""

from __future__ import annotations

import contextvars
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tokred.errors import SpecError

if TYPE_CHECKING:
    from tokred.engine.generation import Generation


@dataclass(frozen=True)
class Position:
    """Where in a generation a model call is.

    Attributes:
        step: index of the denoising step, from 0.
        steps: number of denoising steps.
        branch: tells apart the calls of one step, such as the two halves of classifier-free guidance.
        noise: the share of noise at every step of the generation; empty where it is not known beforehand.
        parts: names of the branches that share the call's batch, in order; empty where it is one branch's.
        generation: number of the generation, from 1; the same for all models of a pipeline.
        time: the share of noise, see `tokred.engine.noise`.
        guessed: whether it could not be read, and falls evenly.
    """

    step: int
    steps: int
    branch: str
    generation: int
    time: float = field(default=0.0, compare=False)
    guessed: bool = field(default=False, compare=False)
    noise: tuple[float, ...] = field(default=(), compare=False)
    parts: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, eq=False)
class Said:
    """What one `with tokred.step(...)` block says; told from others by identity."""

    index: int
    steps: int
    branches: tuple[str, ...]
    time: float
    generation: Hashable
    noise: tuple[float, ...]


_explicit: contextvars.ContextVar[Said | None] = contextvars.ContextVar("tokred.step", default=None)


@contextmanager
def step(
    index: int,
    steps: int,
    branch: str | Sequence[str] = "both",
    time: float | None = None,
    generation: Hashable = None,
    noise: Sequence[float] = (),
) -> Iterator[None]:
    """Say which denoising step the model calls inside the `with` block belong to, in a loop written by hand.

    A step that comes before the last one, or the same step said again for the same branch, begins a new generation,
    unless `generation` says which it belongs to.

    Args:
        index: index of the step, from 0.
        steps: number of steps of the generation.
        branch: name of the guidance branch, where conditional and unconditional are called apart; or the names of
            several that share the batch in equal parts, in order. Skipped calls are remembered by branch, so that
            branches may share a batch at one step and not at the next; tokens are matched anew where that changes.
        time: the share of noise at this step, `sigma / (alpha + sigma)`, in [0, 1], which forecasts go by; for a
            rectified flow its sigma. By default it falls evenly from 1.
        generation: tells this generation from others, such as an `object()`, where a sampler goes back to earlier
            steps or calls the model more than once in one.
        noise: the share of noise at every step, where it is known beforehand: `time` is that of this step by default,
            and presets skip a last step that has next to none left, as with a pipeline's sampler.

    Raises:
        SpecError: unless 0 <= index < steps and 0 <= time <= 1, if a branch is named twice, or if `noise` is not one
            share for each step.

    Examples:
        >>> for i, t in enumerate(timesteps):  # doctest: +SKIP
        ...     with tokred.step(i, len(timesteps), time=t):
        ...         velocity = model(x, timestep=t)
    """
    if not 0 <= index < steps:
        raise SpecError(f"step index {index} of {steps} steps: the index must be at least 0 and below the number.")
    shares = tuple(float(share) for share in noise)
    if shares and (len(shares) != steps or not all(0 <= share <= 1 for share in shares)):
        raise SpecError(
            f"noise={shares} must be one share in [0, 1] for each of the {steps} steps, sigma / (alpha + sigma)."
        )
    usual = shares[index] if shares else 1 - index / steps
    share = usual if time is None else float(time)
    if not 0 <= share <= 1:
        raise SpecError(
            f"time={time} at step {index} must be in [0, 1]: the share of noise, sigma / (alpha + sigma), which of a "
            "rectified flow is sigma. A timestep of 1,000 is divided by 1,000 first."
        )
    branches = (branch,) if isinstance(branch, str) else tuple(branch)
    if not branches or len(set(branches)) < len(branches):
        raise SpecError(f"branch={branch!r} must be the name of a branch, or the names of several that differ.")
    token = _explicit.set(Said(index, steps, branches, share, generation, shares))
    try:
        yield
    finally:
        _explicit.reset(token)


def is_said() -> bool:
    """Say whether this is inside a `with tokred.step(...)` block."""
    return said() is not None


def said() -> Said | None:
    """Return what the innermost `with tokred.step(...)` block says; None outside."""
    return _explicit.get()


class StepSource(Protocol):
    """Knows the position of the next model call.

    Attributes:
        current: the generation that the last one belongs to.
    """

    current: Generation

    def next_call(self, model: Hashable, branch: str) -> Position | None:
        """Return the position of the call that is about to happen, or None where it is not known.

        Args:
            model: tells apart the models of a pipeline.
            branch: what the pipeline calls the guidance branch; empty where it does not say.
        """
        ...

    def join(self, model: Hashable) -> None:
        """Be used by a model, until it leaves."""
        ...

    def leave(self, model: Hashable) -> None:
        """Be used by it no more; leave no trace where it was the last."""
        ...
