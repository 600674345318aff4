"""diffusers' `HunyuanImageTransformer2DModel` 2.1: the picture first, rotary positions of its tokens alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tokred.family import Family
from tokred.family.grids import patches
from tokred_adapters.joint import ALONE, BOTH, DOUBLE, SINGLE

CALL = "hidden_states: image, encoder_hidden_states: text -> image, text"
ROWS = {"image_rotary_emb": "image d", "attention_mask": "... (image text)"}


def _text(model: Any, arguments: Mapping[str, Any]) -> int:
    """Count the tokens of both texts."""
    texts = (arguments.get("encoder_hidden_states"), arguments.get("encoder_hidden_states_2"))
    return sum(text.shape[1] for text in texts if text is not None)


HUNYUAN_IMAGE = Family(
    name="hunyuan-image",
    models=("diffusers.HunyuanImageTransformer2DModel",),
    grid=lambda model, arguments: patches(axes=tuple(range(2 - arguments["hidden_states"].ndim, 0)))(model, arguments),
    stacks=(
        replace(DOUBLE, call=CALL, attention=(BOTH,), rows=ROWS),
        replace(SINGLE, call=CALL, attention=(replace(BOTH, norms=ALONE.norms, joined="image text"),), rows=ROWS),
    ),
    text=_text,
)
