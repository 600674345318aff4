"""Tiny models of JoyImage: one picture, one with another to edit, and patches of several in one row."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from tokred.testing import Grid, Host, call_transformer
from tokred_adapters.tiny.making import AXES, WORD, prompt, thousandths

SIZES = {
    "in_channels": 4,
    "hidden_size": 32,
    "num_attention_heads": 2,
    "text_dim": WORD,
    "num_layers": 2,
    "rope_dim_list": list(AXES),
}
GIVEN = (2, 3)
"""Grid of the picture to edit, where it may have one of its own."""


def _build() -> Any:
    from diffusers import JoyImageEditTransformer3DModel

    return JoyImageEditTransformer3DModel(**SIZES)


def _build_plus() -> Any:
    from diffusers import JoyImageEditPlusTransformer3DModel

    return JoyImageEditPlusTransformer3DModel(**SIZES)


def _latents(batch: int, grid: Grid) -> tuple[int, ...]:
    return (batch, 4, 1, 2 * grid[0], 2 * grid[1])


def _patches(batch: int, grid: Grid) -> tuple[int, ...]:
    return (batch, math.prod(grid), 4, 1, 2, 2)


def _edit(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    given = torch.randn(_latents(batch, grid), generator=generator)
    return {**prompt(generator, batch, grid, text), "given": given}


def _call_edit(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Hand over the picture to edit and the one that is drawn, `[B, 2, C, 1, H, W]`, and keep the second."""
    pair = torch.stack([arguments["given"], arguments["hidden_states"]], dim=1)
    others = {name: value for name, value in arguments.items() if name != "given"}
    return call_transformer(model, others | {"hidden_states": pair}, moment)[:, -1]


def _edit_plus(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    given = torch.randn(_patches(batch, GIVEN), generator=generator)
    shapes = [[(1, *grid), (1, *GIVEN)]] * batch
    return {**prompt(generator, batch, grid, text), "shape_list": shapes, "given": given}


def _call_plus(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Put the patches of the picture to edit behind those of the one that is drawn."""
    patches = arguments["hidden_states"]
    both = torch.cat([patches, arguments["given"]], dim=1)
    others = {name: value for name, value in arguments.items() if name != "given"}
    return call_transformer(model, others | {"hidden_states": both}, moment)[:, : patches.shape[1]]


JOYIMAGE = (
    Host("joyimage", _build, _latents, prompt, thousandths),
    Host("joyimage-edit", _build, _latents, _edit, thousandths, call_model=_call_edit),
)
JOYIMAGE_EDIT_PLUS = (
    Host("joyimage-edit-plus", _build_plus, _patches, _edit_plus, thousandths, call_model=_call_plus),
)
HOSTS = JOYIMAGE + JOYIMAGE_EDIT_PLUS
