"""diffusers' `SanaTransformer2DModel`: linear attention, and convolutions that want the whole picture."""

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches

ALONE = "hidden_states: image -> image"

SANA = Family(
    name="sana",
    models=("diffusers.SanaTransformer2DModel",),
    grid=patches(),
    stacks=(
        Stack(
            "transformer_blocks",
            ALONE,
            attention=(Attention("attn1", ALONE),),
            stays=("encoder_hidden_states", "encoder_attention_mask", "timestep"),
            reduces=("attn",),
        ),
    ),
)
