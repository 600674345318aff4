"""ComfyUI's UNet, as of Stable Diffusion 1.5 and XL: `SpatialTransformer`s at several sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tokred import Attention, Family, Stack

from .grids import padded


def _stacks(network: Any) -> tuple[Stack, ...]:
    """List the transformers in the order of the call; those of videos are left out."""
    return tuple(
        Stack(
            f"{path}.transformer_blocks",
            call="x: image -> image",
            attention=(Attention("attn1", "x: image -> image"),),
            mlp="ff",
            stays=("context",),
            scale=scale,
        )
        for path, part, scale in _parts(network)
        if type(part).__name__ == "SpatialTransformer"
    )


def _parts(network: Any) -> Iterator[tuple[str, Any, int]]:
    """Yield every part with its path and by how much the grid is smaller there."""
    scale = 1
    for name in ("input_blocks", "output_blocks"):
        for index, block in enumerate(getattr(network, name)):
            for place, part in enumerate(block):
                scale *= 2 if type(part).__name__ == "Downsample" else 1
                yield f"{name}.{index}.{place}", part, scale
                scale //= 2 if type(part).__name__ == "Upsample" else 1
        if name == "input_blocks":
            yield from ((f"middle_block.{place}", part, scale) for place, part in enumerate(network.middle_block))


UNET = Family(
    name="comfy-unet",
    models=("comfy.UNetModel",),
    grid=padded(1),
    stacks=_stacks,
    picture="x",
    text="",
    projection="",
)
