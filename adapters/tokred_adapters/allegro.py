"""diffusers' `AllegroTransformer3DModel`: rotary tables are looked up by positions, which travel with the tokens."""

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches

ALLEGRO = Family(
    name="allegro",
    models=("diffusers.AllegroTransformer3DModel",),
    grid=patches(size=("patch_size_t", "patch_size", "patch_size"), axes=(2, 3, 4)),
    stacks=(
        Stack(
            "transformer_blocks",
            call="hidden_states: image -> image",
            attention=(Attention("attn1", "hidden_states: image -> image", rotary="image_rotary_emb"),),
            mlp="ff",
            rows={"image_rotary_emb.1": "1 image", "attention_mask": "... image"},
            stays=("encoder_hidden_states", "encoder_attention_mask", "temb"),
        ),
    ),
)
