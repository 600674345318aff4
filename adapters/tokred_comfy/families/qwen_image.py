"""ComfyUI's Qwen-Image: blocks of two streams with rotary positions."""

from __future__ import annotations

from tokred import Attention, Family, Stack

from .grids import padded

ROWS = {"image_rotary_emb": "b 1 (text image) d 2 2"}

QWEN_IMAGE = Family(
    name="comfy-qwen-image",
    models=("comfy.QwenImageTransformer2DModel",),
    grid=padded(size=(1, 2, 2), axes=(-3, -2, -1), refuse=("ref_latents",)),
    stacks=(
        Stack(
            "transformer_blocks",
            call="hidden_states: image, encoder_hidden_states: text -> text, image",
            attention=(
                Attention(
                    "attn",
                    "hidden_states: image, encoder_hidden_states: text -> image, text",
                    norms=("norm_q", "norm_k"),
                    rotary="image_rotary_emb",
                    apart=False,
                ),
            ),
            mlp="img_mlp",
            rows=ROWS,
            stays=("encoder_hidden_states_mask", "temb"),
        ),
    ),
    picture="x",
    text="context",
)
