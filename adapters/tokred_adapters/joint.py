"""Blocks as Flux has them, which many models have taken over: text and image in two streams, then in one."""

from __future__ import annotations

from dataclasses import replace

from tokred.family import Attention, Role, Stack
from tokred_adapters.rotations import rotate_heads

EDITED: tuple[Role, ...] = ("target", "reference")
"""The picture that is drawn comes first, and those that it is drawn from behind it."""
PACKED = "b image (c 2 2)"
"""Pipelines call the model with rows of 2 x 2 pixels of the latents, channel by channel."""
TWO = "hidden_states: image, encoder_hidden_states: text -> text, image"
ONE = "hidden_states: text image -> text image"
ROWS = {"image_rotary_emb": "(text image) d", "attention_mask": "... (text image) (text image)"}

ALONE = Attention("attn", ONE, norms=("norm_q", "norm_k"), rotary="image_rotary_emb", rotate=rotate_heads)
BOTH = replace(
    ALONE,
    call="hidden_states: image, encoder_hidden_states: text -> image, text",
    norms=("norm_q", "norm_k", "norm_added_q", "norm_added_k"),
)

DOUBLE = Stack("transformer_blocks", TWO, attention=(BOTH,), mlp="ff", rows=ROWS, stays=("ip_hidden_states", "temb"))
SINGLE = Stack(
    "single_transformer_blocks",
    TWO,
    attention=(ALONE,),
    mlp=("proj_mlp", "proj_out"),
    rows=ROWS,
    stays=("temb",),
    norm="norm",
)
"""Joins the two streams and parts them again."""
JOINED = replace(SINGLE, call=ONE)
"""Is given one stream."""
