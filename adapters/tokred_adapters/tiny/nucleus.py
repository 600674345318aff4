"""A tiny Nucleus, one of whose two blocks has experts."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import AXES, KEYS, SIZE, WORD, packed, prompt


def _build() -> Any:
    from diffusers import NucleusMoEImageTransformer2DModel

    return NucleusMoEImageTransformer2DModel(
        in_channels=16,
        out_channels=4,
        joint_attention_dim=WORD,
        axes_dims_rope=AXES,
        dense_moe_strategy="leave_first_block_dense",
        num_experts=4,
        moe_intermediate_dim=16,
        capacity_factors=2.0,
        **SIZE,
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {**prompt(generator, batch, grid, text), "img_shapes": [(1, *grid)] * batch}


HOSTS = (Host("nucleus", _build, packed(16), _conditions, float, keys=KEYS),)
