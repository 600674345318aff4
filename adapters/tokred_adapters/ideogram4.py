"""diffusers' `Ideogram4Transformer2DModel`: one stream, the picture last, marked by an indicator."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from tokred import UnsupportedModel
from tokred.family import Attention, Family, Stack
from tokred.family.grids import PositionIds

JOINED = "hidden_states: text image -> text image"
IMAGE = 2


def _image(arguments: Mapping[str, Any]) -> int:
    """Count the picture's tokens."""
    marked = arguments["indicator"] == IMAGE
    tokens = int(marked[0].sum())
    if not bool(marked[:, -tokens:].all()) or bool(marked[:, :-tokens].any()):
        raise UnsupportedModel(
            "indicator marks a picture that is not the end of the sequence. Draw one size at a time."
        )
    return tokens


GRID = PositionIds("position_ids", count=_image)


def _text(model: Any, arguments: Mapping[str, Any]) -> int:
    return arguments["hidden_states"].shape[1] - prod(GRID(model, arguments)[0])  # type: ignore[no-any-return]


IDEOGRAM4 = Family(
    name="ideogram4",
    models=("diffusers.Ideogram4Transformer2DModel",),
    grid=GRID,
    stacks=(
        Stack(
            "layers",
            JOINED,
            attention=(Attention("attention", JOINED, rotary="image_rotary_emb"),),
            mlp="feed_forward",
            rows={"image_rotary_emb": "b (text image) d", "attention_mask": "b 1 (text image) (text image)"},
            stays=("adaln_input",),
        ),
    ),
    text=_text,
    projection="final_layer.linear",
)
