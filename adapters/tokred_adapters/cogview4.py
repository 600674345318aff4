"""diffusers' `CogView4Transformer2DModel`: the text first, rotary positions of the picture's tokens alone."""

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches

CALL = "hidden_states: image, encoder_hidden_states: text -> image, text"
BLOCKS = Stack(
    "transformer_blocks",
    CALL,
    attention=(Attention("attn1", CALL, joined="text image", rotary="image_rotary_emb"),),
    mlp=("ff",),  # called twice, for picture and text
    rows={"image_rotary_emb": "image d"},
    stays=("temb", "attention_mask"),  # a mask of the text's tokens
    reduces=("attn", "block"),
)

COGVIEW4 = Family("cogview4", ("diffusers.CogView4Transformer2DModel",), patches(), (BLOCKS,))
