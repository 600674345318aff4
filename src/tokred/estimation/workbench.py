"""A model on a device, with random weights, and the calls that a denoising loop makes of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

import tokred
from tokred.bench.measure import count_flops
from tokred.estimation.calls import ARGUMENTS, DTYPE, LATENT, Arguments, moment
from tokred.estimation.models import Family, RealModel
from tokred.extras import extra
from tokred.family.grids import tell
from tokred.family.layouts import layout_of
from tokred.layout import Layout
from tokred.registry import family_for

with extra("bench"):
    from diffusers import (
        DiTTransformer2DModel,
        FluxTransformer2DModel,
        PixArtTransformer2DModel,
        SD3Transformer2DModel,
        UNet2DConditionModel,
        WanTransformer3DModel,
    )
    from timm.models import vision_transformer


def _classifier(**config: Any) -> nn.Module:
    """Make a classifier; timm reads the rates of dropped paths off a tensor, which fake ones do not allow."""
    rates = vision_transformer.calculate_drop_path_rates
    vision_transformer.calculate_drop_path_rates = lambda rate, depth: [rate] * depth
    try:
        made: nn.Module = vision_transformer.VisionTransformer(**config)
        return made
    finally:
        vision_transformer.calculate_drop_path_rates = rates


CLASSES: dict[Family, Any] = {
    "dit": DiTTransformer2DModel,
    "vit": _classifier,
    "pixart": PixArtTransformer2DModel,
    "sd3": SD3Transformer2DModel,
    "flux": FluxTransformer2DModel,
    "unet": UNet2DConditionModel,
    "wan": WanTransformer3DModel,
}


@dataclass(frozen=True)
class Loop:
    """A model and the arguments of the calls that a denoising loop makes of it.

    Attributes:
        model: on the device, in evaluation mode.
        arguments: the same in every step.
        moments: what the model is told of the time, in each step of a loop; empty dictionaries for a classifier.
        flops: operations of one dense step.
    """

    model: nn.Module
    arguments: Arguments
    moments: tuple[Arguments, ...]
    flops: int

    @property
    def layout(self) -> Layout:
        """How the tokens of one sample are made up."""
        return layout_of(family_for(self.model, "an estimate"), self.model, self.arguments)

    @property
    def tokens(self) -> int:
        """Image tokens of one sample."""
        return self.layout.image

    @property
    def batch(self) -> int:
        """Samples in a call."""
        return len(next(iter(self.arguments.values())))

    @torch.no_grad()
    def step(self, index: int, call: Callable[..., Any] | None = None) -> Any:
        """Make the call of one denoising step and return its tensor.

        Args:
            index: of the step.
            call: takes the place of the model: the compiled one.
        """
        with tokred.step(index, len(self.moments)):
            result = (call or self.model)(**self.arguments, **self.moments[index])
        return result[0] if isinstance(result, tuple) else result


class Workbench:
    """Holds one loop at a time.

    Args:
        device: where it is.
        tiny: whether models are built at tiny size.
        steps: of a generation.
    """

    def __init__(self, device: str, tiny: bool, steps: int) -> None:
        self.device, self.tiny, self.steps = torch.device(device), tiny, steps
        self._held: tuple[RealModel, int] | None = None
        self._subject: Loop | None = None

    def subject(self, model: RealModel, pixels: int) -> Loop:
        """Return a model that is called on pictures of `pixels` a side; builds it unless it is the last one."""
        if self._subject is None or self._held != (model, pixels):
            self._subject = self._held = None
            gc.collect()
            torch.cuda.empty_cache()
            self._subject = self._build(model, pixels)
            self._held = (model, pixels)
        return self._subject

    def _build(self, model: RealModel, pixels: int) -> Loop:
        config = {**model.config, **(model.tiny if self.tiny else {})}
        if model.sized:
            config[model.sized] = pixels if model.family == "vit" else pixels // LATENT
        torch.manual_seed(0)
        with self.device, _default_dtype(DTYPE):
            network = CLASSES[model.family](**config).eval().requires_grad_(False)
            arguments = ARGUMENTS[model.family](config, model, pixels)
            moments = tuple(moment(model, 1 - i / self.steps) for i in range(self.steps))
        _set_dtype(network)
        if model.family == "flux":
            side = pixels // LATENT // 2
            tell(arguments["img_ids"], ((side, side),))
        with torch.no_grad():
            flops = count_flops(partial(network, **arguments, **moments[0]))
        return Loop(network, arguments, moments, flops)


def _set_dtype(network: nn.Module) -> None:
    """Bring what was made in another dtype into `DTYPE`, one by one: `Module.to` cannot do that to fake tensors."""
    for module in network.modules():
        for name, tensor in [*module._parameters.items(), *module._buffers.items()]:
            if tensor is not None and tensor.is_floating_point() and tensor.dtype != DTYPE:
                made = tensor.detach().to(DTYPE)
                setattr(module, name, nn.Parameter(made, requires_grad=False) if name in module._parameters else made)


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Make tensors in `dtype` from the start: a float32 copy of the largest model would fill a small device."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
