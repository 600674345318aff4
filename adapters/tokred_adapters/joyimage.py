"""diffusers' `JoyImageEditTransformer3DModel`: two streams, the picture first, rotary positions of its tokens alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches

CALL = "hidden_states: image, encoder_hidden_states: text -> image, text"
BLOCKS = Stack(
    "double_blocks",
    CALL,
    attention=(Attention("attn", CALL, "img_attn_qkv", "img_attn_proj", rotary="image_rotary_emb"),),
    mlp="img_mlp",
    rows={"image_rotary_emb.0": "image d"},  # the second is the text's
    stays=("temb",),
)


def _grid(model: Any, arguments: Mapping[str, Any]) -> Any:
    """Read the size of a picture; given ones, as large, are items before the one that is drawn."""
    pictures = arguments["hidden_states"].shape[1] if arguments["hidden_states"].ndim == 6 else 1
    return patches(axes=(-3, -2, -1))(model, arguments) * pictures


JOYIMAGE = Family("joyimage", ("diffusers.JoyImageEditTransformer3DModel",), _grid, (BLOCKS,))
