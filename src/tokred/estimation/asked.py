"""What an estimate is asked for: a pipeline, a model or the name of a released one, at a size."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from tokred.bench.prompting import STEPS
from tokred.errors import SpecError
from tokred.estimation.looped import Looped
from tokred.estimation.models import MODELS, RealModel
from tokred.estimation.recording import recorded
from tokred.registry import family_for

HEIGHTS = (512, 1024)
"""Of a second look at a pipeline whose own size was asked for."""
GRAIN = 64
"""Sizes that every pipeline takes are multiples of it."""


@dataclass(frozen=True)
class Asked:
    """A generation whose work is to be counted.

    Attributes:
        target: a pipeline, a model, or the name of a released one.
        height: of the picture in pixels; None for the target's own.
        width: likewise.
        steps: of the generation; None for the pipeline's own.
        dtype: of weights and inputs; None for their own.
        call: what the pipeline or model is called with.
    """

    target: Any
    height: int | None = None
    width: int | None = None
    steps: int | None = None
    dtype: torch.dtype | None = None
    call: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What is drawn with."""
        return self.target if isinstance(self.target, str) else type(self.target).__name__

    def looped(self) -> Looped:
        """Return the steps of the generation.

        Raises:
            SpecError: if something is unknown, missing or refused.
        """
        if isinstance(self.target, str):
            return self._released(find_model(self.target))
        if isinstance(self.target, nn.Module):
            call = self._arguments(self.target)
            return recorded(self.target, lambda model: model(**call), self.steps or STEPS, self.dtype)
        return self._drawn(self.target)

    def others(self) -> list[Asked]:
        """Return what is as this at another size, the most wanted first; nothing where there is one size only."""
        if not self._sizable:
            return []
        if self.height is None or self.width is None:
            sizes = [(height, height) for height in HEIGHTS]
        else:
            sizes = [(_half(self.height), _half(self.width))]
        return [replace(self, height=height, width=width) for height, width in sizes]

    @property
    def _sizable(self) -> bool:
        if isinstance(self.target, str):
            return find_model(self.target).family != "vit"
        return not isinstance(self.target, nn.Module) and "height" in _takes(self.target)

    def _released(self, model: RealModel) -> Looped:
        if self.call or self.dtype or self.height != self.width:
            raise SpecError(
                f"{model.name} is estimated for square pictures in bfloat16: give height and width, or none."
            )
        from tokred.estimation.released import pretended  # imports the classes of all of them

        once = model.family == "vit"
        if once and self.steps:
            raise SpecError(f"steps={self.steps} means nothing for {model.name}: it is called once per picture.")
        return pretended(model, self.height or model.pixels[0], 1 if once else self.steps or STEPS)

    def _drawn(self, pipe: Any) -> Looped:
        """Return the steps that a pipeline makes."""
        takes = _takes(pipe)
        default = takes["num_inference_steps"].default if "num_inference_steps" in takes else STEPS
        steps = self.steps or (default if isinstance(default, int) else STEPS)
        size = {side: pixels for side, pixels in (("height", self.height), ("width", self.width)) if pixels}
        call = {**self.call, **size}
        for name in call:
            if name not in takes:
                known = ", ".join(each for each in takes if each != "self")
                raise SpecError(f"{type(pipe).__name__} takes no {name!r}. It takes: {known}.")
        usual = {"prompt": "", "class_labels": [0], "generator": torch.Generator().manual_seed(0)}
        worded = "prompt_embeds" in call
        given = {name: value for name, value in usual.items() if name in takes and not (worded and name == "prompt")}
        given |= {"num_inference_steps": steps} if "num_inference_steps" in takes else {}

        def draw(copied: Any) -> None:
            copied.set_progress_bar_config(disable=True)
            copied(**given | call)

        return recorded(pipe, draw, steps, self.dtype)

    def _arguments(self, model: nn.Module) -> Mapping[str, Any]:
        """Return what a model is called with: for a vision model a picture, of its own size unless another is asked."""
        family, name = family_for(model, "an estimate"), type(model).__name__
        if self.steps and not family.repeats:
            raise SpecError(
                f"steps={self.steps} means nothing for {name}: it is called once per picture. Leave it out."
            )
        if self.call and (self.height or self.width):
            raise SpecError(f"Leave height and width out: {', '.join(self.call)} has a size.")
        if self.call:
            return self.call
        if family.repeats:
            raise SpecError(
                f"What is {name} called with? Give its pipeline, or the arguments of a call, such as "
                f"{family.picture}=...."
            )
        channels, height, width = _seen(model)
        weight = next(model.parameters())
        return {family.picture: weight.new_empty((1, channels, self.height or height, self.width or width))}


def _seen(model: Any) -> tuple[int, int, int]:
    """Return channels, height and width of the pictures that a vision model of timm or transformers sees."""
    if hasattr(model, "config"):
        channels, size = model.config.num_channels, model.config.image_size
    else:
        channels = next(layer.in_channels for layer in model.modules() if isinstance(layer, nn.Conv2d))
        size = getattr(model.patch_embed, "img_size", None) or model.pretrained_cfg["input_size"][1:]
    height, width = (size, size) if isinstance(size, int) else size
    return channels, height, width


def find_model(name: str) -> RealModel:
    """Return the released model of that name.

    Raises:
        SpecError: if there is none.
    """
    for model in MODELS:
        if model.name == name:
            return model
    raise SpecError(f"model={name!r} is not known. Known: {', '.join(model.name for model in MODELS)}.")


def _takes(pipe: Any) -> dict[str, inspect.Parameter]:
    """Return what a pipeline's call takes; of a class that passes arguments on, also what its parents take."""
    takes: dict[str, inspect.Parameter] = {}
    for kind in type(pipe).__mro__:
        if "__call__" in vars(kind):
            parameters = inspect.signature(vars(kind)["__call__"]).parameters
            takes = {**parameters, **takes}
            if not any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
                break
    return takes


def _half(pixels: int) -> int:
    return max(GRAIN, round(pixels / 2 / GRAIN) * GRAIN)
