"""diffusers' `MochiTransformer3DModel`: joint attention, the text last and as wide as it likes."""

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches
from tokred_adapters.rotations import rotate_by_heads

CALL = "hidden_states: image, encoder_hidden_states: text -> image, text"

MOCHI = Family(
    name="mochi",
    models=("diffusers.MochiTransformer3DModel",),
    grid=patches(size=(1, "patch_size", "patch_size"), axes=(2, 3, 4)),
    stacks=(
        Stack(
            "transformer_blocks",
            call=CALL,
            attention=(
                Attention(
                    "attn1",
                    CALL,
                    norms=("norm_q", "norm_k"),
                    rotary="image_rotary_emb",
                    rotate=rotate_by_heads,
                ),
            ),
            mlp="ff",
            rows={"image_rotary_emb": "image h d"},
            stays=("temb", "attention_mask", "encoder_attention_mask"),
        ),
    ),
)
