"""A tiny Qwen-Image 2.1."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from tokred.testing import Grid, Host, call_transformer
from tokred_adapters.tiny.making import AXES, KEYS, SIZE, WORD, packed, prompt


def _build() -> Any:
    from diffusers import QwenImage21Transformer2DModel

    return QwenImage21Transformer2DModel(
        in_channels=4, out_channels=4, context_in_dim=WORD, axes_dims_rope=AXES, **SIZE
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    slots = math.prod(grid) // 4
    mask = torch.cat([torch.zeros(batch, text), torch.ones(batch, slots)], dim=1).bool()
    return {**prompt(generator, batch, grid, text), "img_shapes": [[(1, *grid)]] * batch, "img_mask": mask}


def _call(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Leave out the text, which the model returns as well."""
    return call_transformer(model, arguments, moment)[:, -arguments["hidden_states"].shape[1] :]


HOSTS = (Host("qwen-image-21", _build, packed(4), _conditions, float, call_model=_call, keys=KEYS),)
