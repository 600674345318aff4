"""diffusers' `Lumina2Transformer2DModel`: one stream, the text first; refiners of the picture alone before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches
from tokred_adapters.rotations import rotate_complex

ALONE = "hidden_states: image -> image"
JOINED = "hidden_states: text image -> text image"


def _text(model: Any, arguments: Mapping[str, Any]) -> int:
    """Count the tokens of the longest text; the padding of all is left out by the model itself."""
    return int(arguments["encoder_attention_mask"].sum(dim=1).max())


def _attention(call: str) -> tuple[Attention, ...]:
    return (Attention("attn", call, norms=("norm_q", "norm_k"), rotary="image_rotary_emb", rotate=rotate_complex),)


# Texts of different lengths come with an `attention_mask`: their pictures begin at different rows. It is not
# described, so that such a call is refused.
REFINER = Stack(
    "noise_refiner", ALONE, _attention(ALONE), "feed_forward", rows={"image_rotary_emb": "b image d"}, stays=("temb",)
)
LAYERS = replace(
    REFINER, path="layers", call=JOINED, attention=_attention(JOINED), rows={"image_rotary_emb": "b (text image) d"}
)

LUMINA2 = Family(
    name="lumina2",
    models=("diffusers.Lumina2Transformer2DModel",),
    grid=patches(),
    stacks=(REFINER, LAYERS),
    text=_text,
    projection="norm_out.linear_2",
)
