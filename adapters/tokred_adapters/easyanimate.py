"""diffusers' `EasyAnimateTransformer3DModel`: joint attention, the text first and without positions."""

from __future__ import annotations

from typing import Any

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches
from tokred_adapters.rotations import rotate_heads

CALL = "hidden_states: image, encoder_hidden_states: text -> image, text"
BLOCKS = Stack(
    "transformer_blocks",
    call=CALL,
    attention=(
        Attention(
            "attn1",
            CALL,
            norms=("norm_q", "norm_k"),
            rotary="image_rotary_emb",
            rotate=rotate_heads,
            heads_first=True,
        ),
    ),
    mlp="ff",
    rows={"image_rotary_emb": "image d"},
    stays=("temb",),
)


def _stacks(model: Any) -> tuple[Stack, ...]:
    """Leave a model alone in which picture and text share the layers of some blocks."""
    return (BLOCKS,) if model.config.mmdit_layers >= model.config.num_layers else ()


EASYANIMATE = Family(
    name="easyanimate",
    models=("diffusers.EasyAnimateTransformer3DModel",),
    grid=patches(size=(1, "patch_size", "patch_size"), axes=(2, 3, 4)),
    stacks=_stacks,
)
