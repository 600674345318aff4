"""diffusers' `HunyuanVideo15Transformer3DModel`: joint attention with a picture and two texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches

CALL = "hidden_states: image, encoder_hidden_states: text -> image, text"


def _text(model: Any, arguments: Mapping[str, Any]) -> int:
    return sum(
        arguments[name].shape[1] for name in ("encoder_hidden_states", "encoder_hidden_states_2", "image_embeds")
    )


HUNYUAN_VIDEO_15 = Family(
    name="hunyuan_video_15",
    models=("diffusers.HunyuanVideo15Transformer3DModel",),
    grid=patches(size=("patch_size_t", "patch_size", "patch_size"), axes=(2, 3, 4)),
    stacks=(
        Stack(
            "transformer_blocks",
            call=CALL,
            # No `rotate`: the attention makes its mask from the number of queries, so keys cannot be more.
            attention=(Attention("attn", CALL, norms=("norm_q", "norm_k"), rotary="image_rotary_emb"),),
            mlp="ff",
            rows={"image_rotary_emb": "image d", "freqs_cis": "image d"},
            stays=("temb", "attention_mask"),
        ),
    ),
    text=_text,
)
