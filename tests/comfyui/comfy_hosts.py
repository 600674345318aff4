"""ComfyUI's tiny networks as tokred's contract suite calls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import comfy_tiny
import torch
from torch import nn

from tokred.testing import Host

Grid = tuple[int, ...]


def called(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Call a network as ComfyUI's `apply_model` does."""
    arguments = dict(arguments)
    output: torch.Tensor = model(arguments.pop("x"), moment, transformer_options={}, **arguments)
    return output


def conditions(pooled: int) -> Callable[[torch.Generator, int, Grid, int], dict[str, Any]]:
    """Return what makes the text, and its pooled features where there are any."""

    def made(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
        given = {"context": torch.randn(batch, text, 24, generator=generator)}
        return given | ({"y": torch.randn(batch, pooled, generator=generator)} if pooled else {})

    return made


def host(name: str, tiny: comfy_tiny.Tiny, pooled: int, **details: Any) -> Host:
    """Return a host whose latents have patches of two by two."""
    channels, *frames, _, _ = tiny.latent

    def picture(batch: int, grid: Grid) -> tuple[int, ...]:
        return batch, channels, *(frames[:1] if len(grid) == 2 else grid[:-2]), 2 * grid[-2], 2 * grid[-1]

    return Host(
        name,
        build=lambda: tiny.patcher().model.diffusion_model,
        picture=picture,
        conditions=conditions(pooled),
        time=lambda share: share,
        argument="x",
        call_model=called,
        **details,
    )


def unet_picture(batch: int, grid: Grid) -> tuple[int, ...]:
    return batch, 4, *grid


FLUX = (host("flux", comfy_tiny.FLUX, 16),)
SD3 = (host("sd3", comfy_tiny.SD3, 16),)
WAN = (host("wan", comfy_tiny.WAN, 0, grid=(3, 4, 6), other_grid=(2, 4, 4)),)
QWEN_IMAGE = (host("qwen-image", comfy_tiny.QWEN_IMAGE, 0),)
UNET = (
    Host(
        "unet",
        build=lambda: comfy_tiny.SDXL.patcher().model.diffusion_model,
        picture=unet_picture,
        conditions=conditions(16 + 6 * 256),
        time=lambda share: 1000 * share,
        argument="x",
        call_model=called,
        keys=("kept", "full", "recovered"),
    ),
)
