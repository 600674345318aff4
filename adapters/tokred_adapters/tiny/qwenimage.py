"""Tiny models of Qwen-Image: from text, and with a picture to edit."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tokred.testing import Grid, Host, call_transformer
from tokred_adapters.tiny.making import AXES, KEYS, SIZE, WORD, packed, prompt

GIVEN = (2, 3)
"""Grid of the picture to edit."""


def _build(**kwargs: Any) -> Any:
    from diffusers import QwenImageTransformer2DModel

    return QwenImageTransformer2DModel(
        in_channels=16, out_channels=4, joint_attention_dim=WORD, axes_dims_rope=AXES, **SIZE, **kwargs
    )


def _build_2511() -> Any:
    return _build(zero_cond_t=True)


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {**prompt(generator, batch, grid, text), "img_shapes": [[(1, *grid)]] * batch}


def _edit(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return _editing(generator, batch, grid, text, GIVEN)


def _edit_in_place(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return _editing(generator, batch, grid, text, grid)


def _editing(generator: torch.Generator, batch: int, grid: Grid, text: int, reference: Grid) -> dict[str, Any]:
    given = torch.randn(packed(16)(batch, reference), generator=generator)
    shapes = [[(1, *grid), (1, *reference)]] * batch
    return {**prompt(generator, batch, grid, text), "img_shapes": shapes, "given": given}


def _call_edit(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Put the picture to edit behind the one that is drawn, as the pipeline does."""
    others = {name: value for name, value in arguments.items() if name != "given"}
    latents = arguments["hidden_states"]
    both = torch.cat([latents, arguments["given"]], dim=1)
    return call_transformer(model, others | {"hidden_states": both}, moment)[:, : latents.shape[1]]


REGION = (Host("qwen-image-edit", _build, packed(16), _edit_in_place, float, call_model=_call_edit, keys=KEYS),)
"""The picture to edit has the size of the one that is drawn."""
EDITING = (Host("qwen-image-edit", _build, packed(16), _edit, float, call_model=_call_edit, keys=KEYS),)
HOSTS = (
    Host("qwen-image", _build, packed(16), _conditions, float, keys=KEYS),
    *EDITING,
    Host(
        "qwen-image-edit-2511",
        _build_2511,
        packed(16),
        _edit,
        float,
        call_model=_call_edit,
        keys=KEYS,
    ),
)
