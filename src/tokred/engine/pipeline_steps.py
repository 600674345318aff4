"""Following a diffusers pipeline through its denoising steps."""

from __future__ import annotations

import copy
import inspect
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

import torch

from tokred.engine.noise import noise_shares
from tokred.engine.steps import ExplicitSteps, Position, is_said


class SchedulerSteps:
    """Follows a diffusers pipeline by wrapping functions of its scheduler.

    A step is one that the pipeline was asked for, of however many calls of the model: a sampler of second order makes
    two. The steps that are left out at either end, as by a picture to start from, are no part of the generation.

    Args:
        pipe: a pipeline with a `scheduler`; another may be put in its place at any time.
        alone: see `ExplicitSteps`, which counts inside `tokred.step`.
    """

    def __init__(self, pipe: Any, alone: bool = False) -> None:
        self.pipe = pipe
        self.generation = 0
        self.explicit = ExplicitSteps(alone)
        self._attach()

    def next_call(self, model: Hashable, branch: str) -> Position | None:
        """See `StepSource`. Calls of one step that have no names are told apart by order."""
        if is_said():
            said = self.explicit.next_call(model, branch)
            return None if said is None else said.after(self.generation)
        if self.pipe.scheduler is not self.scheduler:
            self.detach()
            self._attach()
        if not self.planned:
            self._plan()
        step, half = divmod(self.made, self.order)
        named = branch if not half else f"{branch}, half {half}" if branch else f"half {half}"
        call = self.calls[model, named]
        self.calls[model, named] += 1
        name = f"{named}, call {call}" if named and call else named or f"call {call}"
        place, guessed = self.first + self.made, not self.times
        even = max(0.0, 1 - self.made / self.planned)
        time = even if guessed else self.times[place] if place < len(self.times) else 0.0
        steps = max(-(-self.planned // self.order), step + 1)
        return Position(step, steps, name, self.generation + self.explicit.generation, time, guessed)

    def detach(self) -> None:
        """Put the scheduler's own functions back."""
        for wrapper in self.wrappers:
            wrapper.remove()
        if isinstance(count := vars(self.pipe).get("_num_timesteps"), _Past):
            self.pipe._num_timesteps = int(count)

    def _attach(self) -> None:
        self.scheduler = self.pipe.scheduler
        self._begin()  # timesteps that were set before this scheduler was seen
        wrapped = [("set_timesteps", self._begin), ("step", self._advance)]
        self.wrappers = [Followed(self.scheduler, name, then) for name, then in wrapped]
        if hasattr(self.scheduler, "scale_model_input"):
            self.wrappers.append(Followed(self.scheduler, "scale_model_input", self._look, tells=True))

    def _begin(self) -> None:
        self.made, self.generation = 0, self.generation + 1
        self.calls: Counter[tuple[Hashable, str]] = Counter()
        self.planned, self.shown = 0, None
        count = vars(self.pipe).get("_num_timesteps")
        if count is not None:
            self.pipe._num_timesteps = _Past(count)

    def _plan(self) -> None:
        """Read which of the sampler's steps will be taken, at the first call of the model."""
        scheduler, timesteps = self.scheduler, self.scheduler.timesteps
        count = 0 if timesteps is None else len(timesteps)
        self.times = noise_shares(scheduler)
        self.first = getattr(scheduler, "begin_index", None) or self._place_shown(timesteps)
        asked = getattr(scheduler, "num_inference_steps", None)
        order = getattr(scheduler, "order", 1) or 1
        self.order = order if order > 1 and asked is not None and count > asked else 1
        self.planned, told = max(count - self.first, 1), vars(self.pipe).get("_num_timesteps")
        if told is not None and not isinstance(told, _Past) and 0 < told <= self.planned:
            self.planned = told

    def _look(self, sample: Any, timestep: Any = None, *args: Any, **kwargs: Any) -> None:
        """Note the time that the pipeline begins at, where it says it before it calls the model."""
        if not self.planned:
            self.shown = timestep

    def _place_shown(self, timesteps: Any) -> int:
        """Return which timestep is the first that the pipeline takes."""
        if self.shown is None or timesteps is None:
            return 0
        same = torch.as_tensor(timesteps).cpu() == torch.as_tensor(self.shown).cpu()
        return int(same.nonzero()[0]) if bool(same.any()) else 0

    def _advance(self) -> None:
        self.made += 1
        self.calls.clear()


class _Past(int):
    """What a pipeline noted of an earlier generation: the number of its steps."""


class Followed:
    """Stands in for a function of a scheduler and tells of its calls; several may stand over each other.

    Args:
        scheduler: whose function it is.
        name: of the function.
        then: is called after it.
        tells: whether `then` is given what the function was called with.
    """

    def __init__(self, scheduler: Any, name: str, then: Callable[..., None], tells: bool = False) -> None:
        self.scheduler, self.name, self.tells = scheduler, name, tells
        self.then: Callable[..., None] | None = then
        self.original = getattr(scheduler, name)
        self.replaced = name in scheduler.__dict__
        self.__signature__ = inspect.signature(self.original)  # pipelines look up which arguments it takes
        scheduler.__dict__[name] = self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the scheduler's own function, then tell."""
        result = self.original(*args, **kwargs)
        if self.then is not None:
            self.then(*args, **kwargs) if self.tells else self.then()
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
