"""Where a diffusers scheduler is in its steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Any

import torch

from tokred.engine.noise import noise_shares
from tokred.engine.steps import Position


class Sampler:
    """Counts the calls of the model that a scheduler makes.

    A step is one that the pipeline was asked for, of however many calls of the model: a sampler of second order makes
    two. The steps that are left out at either end, as by a picture to start from, are no part of the generation.

    Args:
        scheduler: its timesteps may have been set before.
        pipe: the pipeline that has it, where one is known.
    """

    def __init__(self, scheduler: Any, pipe: Any) -> None:
        self.scheduler = scheduler
        self.known = {} if pipe is None else vars(pipe)
        self.begin()
        self.begun = pipe is not None and getattr(scheduler, "num_inference_steps", 1) is not None

    @property
    def left(self) -> bool:
        """Whether it was begun and has calls left."""
        timesteps = self.scheduler.timesteps
        return self.begun and (timesteps is None or self.first + self.made < len(timesteps))

    def begin(self) -> None:
        """Begin a generation: the timesteps were set."""
        self.made, self.planned, self.first, self.shown, self.begun = 0, 0, 0, None, True
        self.calls: Counter[tuple[Hashable, str]] = Counter()
        told = self.known.get("_num_timesteps")
        if told is not None:
            self.known["_num_timesteps"] = _Past(told)

    def advance(self) -> None:
        """Go on: the sampler took a call."""
        self.made += 1
        self.calls.clear()

    def look(self, timestep: Any) -> None:
        """Note the time that the pipeline begins at, where it says it before it calls the model."""
        if not self.planned:
            self.shown = timestep

    def detach(self) -> None:
        """Leave no trace on the pipeline."""
        if isinstance(told := self.known.get("_num_timesteps"), _Past):
            self.known["_num_timesteps"] = int(told)

    def next_call(self, model: Hashable, branch: str, generation: int) -> Position:
        """Return the position of the next call, see `StepSource`."""
        if not self.planned:
            self._plan()
        step, half = divmod(self.made, self.order)
        named = branch if not half else f"{branch}, half {half}" if branch else f"half {half}"
        call = self.calls[model, named]
        self.calls[model, named] += 1
        name = f"{named}, call {call}" if named and call else named or f"call {call}"
        steps = max(-(-self.planned // self.order), step + 1)
        return Position(step, steps, name, generation, self._time(), not self.times, self.noise)

    def _time(self) -> float:
        """Return the share of noise; 0 where the sampler has run out of steps."""
        place = self.first + self.made
        if not self.times:
            return max(0.0, 1 - self.made / self.planned)
        return self.times[place] if place < len(self.times) else 0.0

    def _plan(self) -> None:
        """Read which of the sampler's calls will be made, at the first of them."""
        scheduler, timesteps = self.scheduler, self.scheduler.timesteps
        count = 0 if timesteps is None else len(timesteps)
        self.times = noise_shares(scheduler)
        self.first = getattr(scheduler, "begin_index", None) or self._place_shown(timesteps)
        asked, order = getattr(scheduler, "num_inference_steps", None), getattr(scheduler, "order", 1) or 1
        self.order = order if order > 1 and asked is not None and count > asked else 1
        self.planned, told = max(count - self.first, 1), self.known.get("_num_timesteps")
        if told is not None and not isinstance(told, _Past) and 0 < told <= self.planned:
            self.planned = told
        self.noise = tuple(self.times[self.first : self.first + self.planned : self.order])

    def _place_shown(self, timesteps: Any) -> int:
        """Return which timestep is the first that the pipeline takes."""
        if self.shown is None or timesteps is None:
            return 0
        same = torch.as_tensor(timesteps).cpu() == torch.as_tensor(self.shown).cpu()
        return int(same.nonzero()[0]) if bool(same.any()) else 0


class _Past(int):
    """What a pipeline noted of an earlier generation: the number of its steps."""
