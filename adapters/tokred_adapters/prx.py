"""diffusers' `PRXTransformer2DModel`: the picture's tokens attend to the text's, which never change."""

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches

CALL = "hidden_states: image, encoder_hidden_states: text -> image"

PRX = Family(
    name="prx",
    models=("diffusers.PRXTransformer2DModel",),
    grid=patches(),
    stacks=(
        Stack(
            "blocks",
            CALL,
            attention=(Attention("attention", CALL, "img_qkv_proj", rotary="image_rotary_emb"),),
            mlp=("gate_proj", "up_proj", "down_proj"),
            rows={"image_rotary_emb": "b 1 image d 2 2"},
            stays=("attention_mask", "temb"),  # a mask of the text's tokens
            reduces=("attn", "block"),
        ),
    ),
    projection="final_layer.linear",
)
