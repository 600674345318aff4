"""diffusers' `QwenImage21Transformer2DModel`: one stream, the drawn picture last, given ones within the text."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from tokred.family import Attention, Family, Stack
from tokred.family.grids import shapes, without
from tokred_adapters.rotations import rotate_complex

JOINED = "hidden_states: text image -> text image"


def _grid(model: Any, arguments: Mapping[str, Any]) -> Any:
    drawn = [[sizes[-1]] for sizes in arguments["img_shapes"]]
    return shapes("img_shapes")(model, {"img_shapes": drawn})


def _text(model: Any, arguments: Mapping[str, Any]) -> int:
    """Count what comes before the drawn picture; the text has one place for four tokens of a given one."""
    drawn, pictures = prod(_grid(model, arguments)[0]), arguments["hidden_states"].shape[1]
    return arguments["encoder_hidden_states"].shape[1] + (drawn + 3 * pictures) // 4 - drawn  # type: ignore[no-any-return]


QWENIMAGE21 = Family(
    name="qwenimage21",
    models=("diffusers.QwenImage21Transformer2DModel",),
    grid=without("kv_cache", _grid),
    stacks=(
        Stack(
            "transformer_blocks",
            JOINED,
            attention=(
                Attention("attn", JOINED, norms=("norm_q", "norm_k"), rotary="rotary_emb", rotate=rotate_complex),
            ),
            mlp="img_mlp",
            rows={
                "rotary_emb": "(text image) d",
                "target_token_mask": "(text image)",
                "key_valid": "b (text image)",
            },
            stays=("modulation",),
        ),
    ),
    text=_text,
)
