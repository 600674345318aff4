"""diffusers' `ZImageTransformer2DModel`: one stream, in which picture and text are each padded to a multiple of 32."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokred import UnsupportedModel
from tokred.family import Attention, Family, Stack
from tokred_adapters.rotations import rotate_complex

MULTIPLE = 32


def _grid(model: Any, arguments: Mapping[str, Any]) -> tuple[tuple[int, int]]:
    pictures = arguments["x"]
    if isinstance(pictures[0], (list, tuple)) or len({picture.shape for picture in pictures}) > 1:
        raise UnsupportedModel("x holds pictures of several sizes, or given ones. Draw one size, from text alone.")
    size, (_, frames, height, width) = arguments.get("patch_size", 2), pictures[0].shape
    if frames > 1:
        raise UnsupportedModel(f"x holds pictures of {frames} frames, not 1. Draw pictures.")
    return ((height // size, width // size),)


def _padded(tokens: int) -> int:
    return -(-tokens // MULTIPLE) * MULTIPLE


def _text(model: Any, arguments: Mapping[str, Any]) -> int:
    """Count what comes after the picture's tokens: its padding, and the text with its own."""
    ((height, width),) = _grid(model, arguments)
    return _padded(height * width) - height * width + max(_padded(len(text)) for text in arguments["cap_feats"])


ZIMAGE = Family(
    name="zimage",
    models=("diffusers.ZImageTransformer2DModel",),
    grid=_grid,
    stacks=(  # the two blocks before, of the picture alone, are left as they are: they see its padding, or none
        Stack(
            "layers",
            "x: image text -> image text",
            attention=(
                Attention(
                    "attention",
                    "hidden_states: image text -> image text",
                    norms=("norm_q", "norm_k"),
                    rotary="freqs_cis",
                    rotate=rotate_complex,
                ),
            ),
            mlp="feed_forward",
            rows={"freqs_cis": "b (image text) d", "attn_mask": "b (image text)", "attention_mask": "b (image text)"},
            stays=("adaln_input",),
        ),
    ),
    picture="x",
    text=_text,
    axes="c f h w",
    projection="all_final_layer.2-1.linear",
)
