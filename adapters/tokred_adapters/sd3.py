"""diffusers' `SD3Transformer2DModel`, 3 and 3.5: joint attention over picture and text, absolute positions."""

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches

SD3 = Family(
    name="sd3",
    models=("diffusers.SD3Transformer2DModel",),
    grid=patches(),
    stacks=(
        Stack(
            "transformer_blocks",
            call="hidden_states: image, encoder_hidden_states: text -> text, image",
            attention=(
                Attention("attn", "hidden_states: image, encoder_hidden_states: text -> image, text"),
                # SD3.5 adds an attention of the picture to itself in some blocks.
                Attention("attn2", "hidden_states: image -> image", optional=True),
            ),
            mlp="ff",
            stays=("ip_hidden_states", "temb"),
        ),
    ),
)
