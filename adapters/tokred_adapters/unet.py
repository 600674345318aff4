"""diffusers' `UNet2DConditionModel`, as in Stable Diffusion 1.5 and XL: transformers at several sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tokred.family import Family, Stack
from tokred.family.grids import patches
from tokred_adapters.basic_block import basic_blocks


def _stacks(model: Any) -> tuple[Stack, ...]:
    """List the transformers in the order of the call; each level halves height and width."""
    parts = [(f"{path}.attentions", part, scale) for path, part, scale in _parts(model)]
    return tuple(
        basic_blocks(f"{path}.{index}.transformer_blocks", scale)
        for path, part, scale in parts
        for index, module in enumerate(getattr(part, "attentions", ()))
        if hasattr(module, "transformer_blocks")
    )


def _parts(model: Any) -> Iterator[tuple[str, Any, int]]:
    last = len(model.down_blocks) - 1
    yield from ((f"down_blocks.{i}", part, 2**i) for i, part in enumerate(model.down_blocks))
    yield "mid_block", model.mid_block, 2**last
    yield from ((f"up_blocks.{i}", part, 2 ** (last - i)) for i, part in enumerate(model.up_blocks))


UNET = Family(
    name="unet",
    models=("diffusers.UNet2DConditionModel",),
    grid=patches("sample", 1),
    stacks=_stacks,
    picture="sample",
    projection="conv_out",
)
