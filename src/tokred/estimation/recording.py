"""What a pipeline or a model is called with in one step, without its weights being used or changed."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_map_only

from tokred.engine.apply import refuse_conflicts
from tokred.engine.denoisers import denoisers_of
from tokred.errors import SpecError, TokredError, UnsupportedModel
from tokred.estimation.calls import Arguments
from tokred.estimation.fakes import Fakes, reading
from tokred.estimation.looped import Looped
from tokred.family.description import Family
from tokred.family.grids import tell
from tokred.family.layouts import layout_of
from tokred.registry import family_for, family_of

Draw = Callable[[Any], object]
"""Draws with a pipeline, or calls a model, that it is given."""


class _Enough(Exception):
    """The first step has called all that it calls."""


def recorded(target: Any, draw: Draw, steps: int, dtype: torch.dtype | None) -> Looped:
    """Find out what the first step of a drawing calls; return a loop of such steps on a CUDA device that is not there.

    A pipeline's text encoders really run. Its denoiser does not: a copy without contents takes its place, in a copy of
    the pipeline that shares all else but the sampler.

    Raises:
        ConflictError: if tokred or a diffusers cache is at work on a model, or it is compiled.
        UnsupportedModel: if no family describes it, or it is called in no steps.
        SpecError: if the pipeline refuses what it is asked for.
    """
    models = denoisers_of(target, lambda model: family_of(model) is not None)
    for model in models.values():
        refuse_conflicts(model)
    recorders = {name: Recorder(model, Fakes(dtype)) for name, model in models.items()}
    whole = isinstance(target, nn.Module)
    stand_in = recorders[""].stand_in if whole else _pipeline(target, recorders)
    try:
        draw(stand_in)
    except _Enough:
        pass
    except TokredError:  # a SpecError is a ValueError too
        raise
    except (ValueError, TypeError, AssertionError) as error:
        said = " ".join(str(error).split())
        raise SpecError(f"{type(target).__name__} refuses what it is asked for: {said}") from error
    called = next((recorder for recorder in recorders.values() if recorder.arguments), None)
    if called is None:
        raise UnsupportedModel(f"{type(target).__name__} calls no denoiser before its sampler's first step.")
    weights = sum(_bytes(recorder.fake) for recorder in recorders.values())
    return called.loop(steps, weights)


class Recorder:
    """Notes what a model is called with.

    Args:
        real: the model; is left as it is.
        fakes: makes the copy that is called.

    Attributes:
        fake: the copy.
        stand_in: what is called in place of the model, and shares all with it but its forward.
        arguments: of each call, by name.
    """

    def __init__(self, real: nn.Module, fakes: Fakes) -> None:
        self.real, self.fakes = real, fakes
        self.fake = fakes.model(real)
        self.stand_in: Any = copy.copy(real)
        self.stand_in.__dict__["forward"] = self
        self.arguments: list[Arguments] = []
        self.family: Family = family_for(real, "an estimate")
        self.__signature__ = inspect.signature(type(real).forward)

    @torch.no_grad()
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Note a call; return zeros, in the shapes that the model's own would have."""
        named = self.__signature__.bind(self.real, *args, **kwargs).arguments
        given = {name: value for name, value in named.items() if name != "self"}
        given |= given.pop("kwargs", {})
        made = self.fakes.tensors(given)
        grids = self.family.grid(self.real, given)
        for tensor in (value for value in made.values() if isinstance(value, torch.Tensor)):
            tell(tensor, grids)
        self.arguments.append(made)
        with reading(type(self.real).__name__), self.fakes.mode:
            returned = self.fake(**made)
        if not self.family.repeats:
            raise _Enough
        device, dtype = _place(given)
        return tree_map_only(torch.Tensor, lambda x: torch.zeros(x.shape, dtype=dtype, device=device), returned)

    def loop(self, steps: int, weights: int) -> Looped:
        """Return a loop of steps that are like the one that was noted."""
        first = self.arguments[0]
        batch = len(first[self.family.picture])
        layout = layout_of(self.family, self.fake, first)
        return Looped(
            self.fake,
            tuple(self.arguments),
            steps if self.family.repeats else 1,
            layout,
            batch,
            weights,
            self.fakes.mode,
        )


def _pipeline(pipe: Any, recorders: dict[str, Recorder]) -> Any:
    """Return a copy of a pipeline that draws with stand-ins, and ends at its sampler's first step."""
    made: Any = copy.copy(pipe)
    sampler: Any = copy.deepcopy(getattr(pipe, "scheduler", None))
    if not hasattr(sampler, "step"):
        raise UnsupportedModel(f"{type(pipe).__name__} has no sampler `scheduler`, whose steps could be counted.")

    def end(*args: Any, **kwargs: Any) -> None:
        raise _Enough

    sampler.step = end
    made.scheduler = sampler
    for name, recorder in recorders.items():
        setattr(made, name, recorder.stand_in)
    return made


def _place(given: Arguments) -> tuple[torch.device, torch.dtype]:
    """Return where the floating point numbers are that a model was given."""
    first = next(x for x in given.values() if isinstance(x, torch.Tensor) and x.is_floating_point())
    return first.device, first.dtype


def _bytes(model: nn.Module) -> int:
    return sum(weight.numel() * weight.element_size() for weight in model.parameters())
