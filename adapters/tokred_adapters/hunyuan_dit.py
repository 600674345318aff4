"""diffusers' `HunyuanDiT2DModel`: text by cross-attention, skips from early blocks to late ones."""

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches

ALONE = "hidden_states: image -> image"

HUNYUAN_DIT = Family(
    name="hunyuan-dit",
    models=("diffusers.HunyuanDiT2DModel",),
    grid=patches(),
    stacks=(
        Stack(
            "blocks",
            ALONE,
            attention=(Attention("attn1", ALONE, rotary="image_rotary_emb"),),
            mlp="ff",
            rows={"image_rotary_emb": "image d", "skip": "b image c"},
            stays=("encoder_hidden_states", "temb"),
        ),
    ),
)
