"""diffusers' `SanaVideoTransformer3DModel`: linear attention; its MLP is a convolution, which needs all tokens."""

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches

SANA_VIDEO = Family(
    name="sana_video",
    models=("diffusers.SanaVideoTransformer3DModel",),
    grid=patches(axes=(2, 3, 4)),
    stacks=(
        Stack(
            "transformer_blocks",
            call="hidden_states: image -> image",
            attention=(Attention("attn1", "hidden_states: image -> image", rotary="rotary_emb"),),
            rows={"rotary_emb": "1 image 1 d"},
            stays=("encoder_hidden_states", "encoder_attention_mask", "timestep"),
            reduces=("attn",),
        ),
    ),
)
