"""diffusers' `LuminaNextDiT2DModel`: attention of the picture to itself and to the text, added up."""

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches

ALONE = "hidden_states: image -> image"
TABLES = ("image_rotary_emb", "query_rotary_emb", "key_rotary_emb")

LUMINA_NEXT = Family(
    name="lumina-next",
    models=("diffusers.LuminaNextDiT2DModel",),
    grid=patches(),
    stacks=(
        Stack(
            "layers",
            ALONE,
            attention=(Attention("attn1", ALONE, rotary="query_rotary_emb"),),
            mlp="feed_forward",
            rows=dict.fromkeys(TABLES, "1 image d") | {"attention_mask": "b image"},
            stays=("encoder_hidden_states", "encoder_mask", "temb"),
            reduces=("mlp", "block"),  # its attention returns each head by itself
        ),
    ),
    projection="norm_out.linear_2",
)
