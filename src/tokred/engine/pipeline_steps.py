"""Following a diffusers pipeline through its denoising steps."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Hashable, Mapping
from itertools import count
from typing import Any
from weakref import WeakSet, ref

from torch import nn

from tokred.engine.explicit_steps import ExplicitSteps
from tokred.engine.generation import ByThread, Generation
from tokred.engine.sampler import Sampler
from tokred.engine.steps import Position, is_said


class SchedulerSteps:
    """Follows a diffusers pipeline by wrapping functions of its scheduler, and those of every deep copy of that.

    A model call belongs to the scheduler that this thread has begun or stepped last and that has steps left. One of no
    such scheduler belongs to no known generation.

    Args:
        pipe: a pipeline with a `scheduler`; another may be put in its place at any time.
        alone: see `ExplicitSteps`, which counts inside `tokred.step`, and for calls of no known generation.
        models: those that it drew with when it was first followed, by name.
        tell: is told, in words, where it draws with others.
    """

    def __init__(
        self,
        pipe: Any,
        alone: bool = False,
        models: Mapping[str, nn.Module] | None = None,
        tell: Callable[[str], None] = warnings.warn,
    ) -> None:
        self.pipe, self.drawing, self.tell = pipe, models or {}, tell
        self.numbers = count(1)
        self.explicit = ExplicitSteps(alone, self.numbers)
        self.copies: WeakSet[Follower] = WeakSet()
        self.recent: ByThread[list[ref[Follower]]] = ByThread()
        self.models: WeakSet[Hashable] = WeakSet()
        self._attach()

    @property
    def scheduler(self) -> Any:
        """The pipeline's own, as it is followed."""
        return self.root.scheduler

    def next_call(self, model: Hashable, branch: str) -> Position | None:
        """See `StepSource`. Calls of one step that have no names are told apart by order."""
        if not is_said():
            if self.pipe.scheduler is not self.scheduler:
                self.root.detach()
                self._attach()
            for known in self.recent.value or []:
                follower = known()
                if follower is not None and follower.sampler.left:
                    self.current = follower.generation
                    return follower.sampler.next_call(model, branch, self.current.number)
        position = self.explicit.next_call(model, branch)
        self.current = self.explicit.current
        return position

    def look_at_models(self) -> None:
        """Say so where a model is no longer the pipeline's."""
        for name, model in self.drawing.items():
            now = getattr(self.pipe, name, None)
            if now is not None and all(model is not module for module in now.modules()):
                self.tell(
                    f"nothing is reduced in the pipeline's {name}, which was replaced after tokred.apply(). Call "
                    "remove() on the run, then apply again"
                )

    def note(self, follower: Follower) -> None:
        """Have the model calls of this thread belong to `follower`."""
        others = [known for known in self.recent.value or [] if (o := known()) and o is not follower and o.sampler.left]
        self.recent.value = [ref(follower), *others]

    def join(self, model: Hashable) -> None:
        """See `StepSource`."""
        self.models.add(model)

    def leave(self, model: Hashable) -> None:
        """See `StepSource`: put the scheduler's own functions back, and those of its copies."""
        self.models.discard(model)
        if not self.models:
            for follower in (self.root, *self.copies):
                follower.detach()
            self.copies.clear()

    def __deepcopy__(self, memo: dict[int, Any]) -> SchedulerSteps:
        """A copied model is called by the same pipelines."""
        return self

    def _attach(self) -> None:
        self.root = Follower(self, self.pipe.scheduler, self.pipe)


class Follower:
    """Follows one scheduler, through one generation after the other.

    Args:
        source: is told in which thread.
        scheduler: which.
        pipe: the pipeline that has it; None of a copy.
    """

    def __init__(self, source: SchedulerSteps, scheduler: Any, pipe: Any) -> None:
        self.source, self.scheduler = source, scheduler
        self.sampler = Sampler(scheduler, pipe)
        self.generation = Generation(next(source.numbers))
        if pipe is not None and self.sampler.begun:
            source.note(self)
        wrapped: list[tuple[str, Callable[..., None], bool]] = [
            ("set_timesteps", self._begin, False),
            ("step", self._advance, False),
        ]
        if hasattr(scheduler, "scale_model_input"):
            wrapped.append(("scale_model_input", self._look, True))
        self.wrappers = [Followed(scheduler, name, then, tells) for name, then, tells in wrapped]

    def detach(self) -> None:
        """Put the scheduler's own functions back."""
        for wrapper in self.wrappers:
            wrapper.remove()
        self.sampler.detach()

    def copied(self, name: str, memo: dict[int, Any]) -> Followed:
        """Follow a deep copy of the scheduler, which is being made; return what stands in for its function `name`."""
        follower: Follower | None = memo.get(id(self))
        if follower is None:
            follower = memo[id(self)] = Follower(self.source, copy.deepcopy(self.scheduler, memo), None)
            self.source.copies.add(follower)
        return next(wrapper for wrapper in follower.wrappers if wrapper.name == name)

    def _begin(self) -> None:
        self.generation = Generation(next(self.source.numbers))
        self.sampler.begin()
        self.source.note(self)
        self.source.look_at_models()

    def _advance(self) -> None:
        self.sampler.advance()
        self.source.note(self)
        if not self.sampler.left:
            self.generation = Generation(0)  # the run holds the last one for its report

    def _look(self, sample: Any, timestep: Any = None, *args: Any, **kwargs: Any) -> None:
        self.sampler.look(timestep)
        self.source.note(self)


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
        """Follow a copied scheduler by itself, where something can; else leave the wrapper out of it."""
        follower = getattr(self.then, "__self__", None)
        if isinstance(follower, Follower):
            return follower.copied(self.name, memo)
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
