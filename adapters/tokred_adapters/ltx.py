"""diffusers' `LTXVideoTransformer3DModel`: packed latents, rotary positions over all heads, text by cross-attention."""

from tokred.family import Attention, Family, Stack
from tokred.family.grids import counts
from tokred_adapters.rotations import rotate_ltx

LTX = Family(
    name="ltx",
    models=("diffusers.LTXVideoTransformer3DModel",),
    grid=counts("num_frames", "height", "width"),
    stacks=(
        Stack(
            "transformer_blocks",
            call="hidden_states: image -> image",
            attention=(
                Attention(
                    "attn1",
                    "hidden_states: image -> image",
                    norms=("norm_q", "norm_k"),
                    rotary="image_rotary_emb",
                    rotate=rotate_ltx,
                ),
            ),
            mlp="ff",
            rows={"image_rotary_emb": "b image d", "temb": "b image d"},
            stays=("encoder_hidden_states", "encoder_attention_mask"),
        ),
    ),
)
