"""diffusers' `CogView3PlusTransformer2DModel`: the text first, one MLP for both, absolute positions."""

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches

CALL = "hidden_states: image, encoder_hidden_states: text -> image, text"

COGVIEW3_PLUS = Family(
    name="cogview3-plus",
    models=("diffusers.CogView3PlusTransformer2DModel",),
    grid=patches(),
    stacks=(
        Stack(
            "transformer_blocks",
            CALL,
            attention=(Attention("attn1", CALL, joined="text image"),),
            mlp="ff: text image",
            stays=("emb",),
        ),
    ),
)
