"""diffusers' `NucleusMoEImageTransformer2DModel`: the picture's tokens attend to the text's, which never change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokred.family import Attention, Family, Stack
from tokred.family.grids import shapes
from tokred_adapters.joint import PACKED
from tokred_adapters.rotations import rotate_complex

ALONE = "hidden_states: image -> image"
BESIDE = "hidden_states: image, encoder_hidden_states: text -> image"


def _grid(model: Any, arguments: Mapping[str, Any]) -> Any:
    """Read the size of a picture, of which there is one for each sample."""
    listed = arguments["img_shapes"]
    samples = [[shape] for shape in listed] if isinstance(listed, list) else [[listed]]
    return shapes("img_shapes")(model, {"img_shapes": samples})


NUCLEUS = Family(
    name="nucleus",
    models=("diffusers.NucleusMoEImageTransformer2DModel",),
    grid=_grid,
    stacks=(
        Stack(
            "transformer_blocks",
            ALONE,
            attention=(
                Attention(
                    "attn",
                    BESIDE,
                    norms=("norm_q", "norm_k", "norm_added_k", "norm_added_k"),  # the text has keys only
                    rotary="image_rotary_emb",
                    rotate=rotate_complex,
                ),
            ),
            rows={"image_rotary_emb.0": "image d"},
            stays=("encoder_hidden_states", "temb", "attention_mask", "cached_txt_key", "cached_txt_value"),
            reduces=("attn",),  # experts choose their tokens, as many as there is room for: all have to be there
        ),
    ),
    axes=PACKED,
)
