"""Following a diffusers pipeline through its denoising steps."""

from __future__ import annotations

import copy
import inspect
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

from tokred.engine.noise import noise_shares
from tokred.engine.steps import Position


class SchedulerSteps:
    """Follows a diffusers pipeline by wrapping `set_timesteps` and `step` of its scheduler.

    Args:
        pipe: a pipeline with a `scheduler`; another may be put in its place at any time.
    """

    def __init__(self, pipe: Any) -> None:
        self.pipe = pipe
        self.step, self.steps, self.generation = 0, 0, 0
        self.calls: Counter[tuple[Hashable, str]] = Counter()
        self._attach()

    def next_call(self, model: Hashable, branch: str) -> Position:
        """See `StepSource`; a scheduler always knows. Calls of one step that have no names are told apart by order."""
        if self.pipe.scheduler is not self.scheduler:
            self.detach()
            self._attach()
        call = self.calls[model, branch]
        self.calls[model, branch] += 1
        name = f"{branch}, call {call}" if branch and call else branch or f"call {call}"
        return Position(self.step, self.steps, name, self.generation, self._time())

    def detach(self) -> None:
        """Put the scheduler's own functions back."""
        for wrapper in self.wrappers:
            wrapper.remove()

    def _attach(self) -> None:
        self.scheduler = self.pipe.scheduler
        self._begin()  # timesteps that were set before this scheduler was seen
        wrapped = (("set_timesteps", self._begin), ("step", self._advance))
        self.wrappers = [Followed(self.scheduler, name, then) for name, then in wrapped]

    def _begin(self) -> None:
        self.step, self.generation = 0, self.generation + 1
        self.calls.clear()
        timesteps = self.scheduler.timesteps
        self.steps = 0 if timesteps is None else len(timesteps)
        self.times = [] if timesteps is None else noise_shares(self.scheduler)

    def _time(self) -> float:
        """Return the share of noise; 0 where the sampler has run out of steps."""
        place = self.step + (getattr(self.scheduler, "begin_index", None) or 0)
        return self.times[place] if place < len(self.times) else 0.0

    def _advance(self) -> None:
        self.step += 1
        self.calls.clear()


class Followed:
    """Stands in for a function of a scheduler and tells of its calls; several may stand over each other.

    Args:
        scheduler: whose function it is.
        name: of the function.
        then: is called after it.
    """

    def __init__(self, scheduler: Any, name: str, then: Callable[[], None]) -> None:
        self.scheduler, self.name = scheduler, name
        self.then: Callable[[], None] | None = then
        self.original = getattr(scheduler, name)
        self.replaced = name in scheduler.__dict__
        self.__signature__ = inspect.signature(self.original)  # pipelines look up which arguments it takes
        scheduler.__dict__[name] = self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the scheduler's own function, then tell."""
        result = self.original(*args, **kwargs)
        if self.then is not None:
            self.then()
        return result

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """Leave the wrapper out of a copied scheduler."""
        return copy.deepcopy(self.original, memo)

    def remove(self) -> None:
        """Put back what was there, once nothing stands over it."""
        self.then = None
        top = self.scheduler.__dict__.get(self.name)
        while isinstance(top, Followed) and top.then is None:
            if top.replaced:
                self.scheduler.__dict__[self.name] = top.original
            else:
                del self.scheduler.__dict__[self.name]
            top = self.scheduler.__dict__.get(self.name)
