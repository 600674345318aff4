"""A model on a device, with random weights, and the calls that a denoising loop makes of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from diffusers import DiTTransformer2DModel, FluxTransformer2DModel, PixArtTransformer2DModel, SD3Transformer2DModel
from timm.models import vision_transformer
from torch import nn

import tokred
from tokred.bench.measure import count_flops
from tokred.estimate.models import Family, RealModel
from tokred.family.grids import PositionIds
from tokred.family.layouts import layout_of
from tokred.layout import Layout
from tokred.registry import family_for


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
}
DTYPE = torch.bfloat16
LATENT = 8
"""Pixels, along each side, in one latent."""
Arguments = dict[str, Any]


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
            moments = tuple(_moment(model, 1 - i / self.steps) for i in range(self.steps))
        _set_dtype(network)
        if isinstance(read := family_for(network, "an estimate").grid, PositionIds):
            side = pixels // LATENT // 2
            read.known[arguments[read.argument]] = ((side, side),)  # fake ids cannot be read
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


def _moment(model: RealModel, time: float) -> Arguments:
    if model.family == "vit":
        return {}
    scale = 1 if model.family == "flux" else 1000
    return {"timestep": torch.full((model.batch,), scale * time), "return_dict": False}


def _latents(config: Arguments, model: RealModel, pixels: int) -> Arguments:
    side = pixels // LATENT
    return {"hidden_states": torch.randn(model.batch, config["in_channels"], side, side)}


def _dit(config: Arguments, model: RealModel, pixels: int) -> Arguments:
    return {**_latents(config, model, pixels), "class_labels": torch.arange(model.batch)}


def _pixart(config: Arguments, model: RealModel, pixels: int) -> Arguments:
    return {
        **_latents(config, model, pixels),
        "encoder_hidden_states": torch.randn(model.batch, model.text, config["caption_channels"]),
        "encoder_attention_mask": torch.ones(model.batch, model.text),
        "added_cond_kwargs": {"resolution": None, "aspect_ratio": None},
    }


def _prompt(config: Arguments, model: RealModel) -> Arguments:
    return {
        "encoder_hidden_states": torch.randn(model.batch, model.text, config["joint_attention_dim"]),
        "pooled_projections": torch.randn(model.batch, config["pooled_projection_dim"]),
    }


def _sd3(config: Arguments, model: RealModel, pixels: int) -> Arguments:
    return {**_latents(config, model, pixels), **_prompt(config, model)}


def _flux(config: Arguments, model: RealModel, pixels: int) -> Arguments:
    side = pixels // LATENT // 2  # four latents are packed into one token
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return {
        "hidden_states": torch.randn(model.batch, side * side, config["in_channels"]),
        **_prompt(config, model),
        "img_ids": torch.stack([torch.zeros_like(rows), rows, columns], dim=-1).reshape(-1, 3).to(DTYPE),
        "txt_ids": torch.zeros(model.text, 3),
        "guidance": torch.full((model.batch,), 3.5),
    }


def _vit(config: Arguments, model: RealModel, pixels: int) -> Arguments:
    return {"x": torch.randn(model.batch, 3, pixels, pixels)}


ARGUMENTS: dict[Family, Callable[[Arguments, RealModel, int], Arguments]] = {
    "dit": _dit,
    "vit": _vit,
    "pixart": _pixart,
    "sd3": _sd3,
    "flux": _flux,
}
