"""diffusers' `HunyuanVideoTransformer3DModel`: joint attention, the text last and without positions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches
from tokred_adapters.rotations import rotate_heads

CALL = "hidden_states: image, encoder_hidden_states: text -> image, text"
MASK = "keys: b 1 1 (image text)"
ATTENTION = Attention("attn", CALL, norms=("norm_q", "norm_k"), rotary="image_rotary_emb", rotate=rotate_heads)
DOUBLE = Stack(
    "transformer_blocks",
    call=CALL,
    attention=(ATTENTION,),
    mlp="ff",
    rows={"image_rotary_emb": "image d", "freqs_cis": "image d", "attention_mask": MASK},
    stays=("temb", "token_replace_emb"),
)
SINGLE = Stack(
    "single_transformer_blocks",
    call=CALL,
    attention=(replace(ATTENTION, joined="image text"),),
    mlp=("proj_mlp", "proj_out"),
    rows={"image_rotary_emb": "image d", "attention_mask": MASK},
    stays=("temb", "token_replace_emb"),
    norm="norm",
)


def _stacks(model: Any) -> tuple[Stack, ...]:
    """Leave blocks whole that tell the tokens of the first frame, a given picture, by their place."""
    if model.config.image_condition_type != "token_replace":
        return DOUBLE, SINGLE
    return replace(DOUBLE, reduces=("attn", "mlp")), replace(SINGLE, reduces=("attn",))


HUNYUAN_VIDEO = Family(
    name="hunyuan_video",
    models=("diffusers.HunyuanVideoTransformer3DModel",),
    grid=patches(size=("patch_size_t", "patch_size", "patch_size"), axes=(2, 3, 4)),
    stacks=_stacks,
)
