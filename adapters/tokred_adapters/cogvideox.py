"""diffusers' CogVideoX and its 1.5: joint attention and one MLP for both, the text first."""

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches
from tokred_adapters.rotations import rotate_heads

CALL = "hidden_states: image, encoder_hidden_states: text -> image, text"

BLOCKS = Stack(
    "transformer_blocks",
    call=CALL,
    attention=(
        Attention(
            "attn1",
            CALL,
            joined="text image",
            norms=("norm_q", "norm_k"),
            rotary="image_rotary_emb",
            rotate=rotate_heads,
            heads_first=True,
        ),
    ),
    mlp="ff: text image",
    rows={"image_rotary_emb": "image d"},
    stays=("temb",),
)

COGVIDEOX = Family(
    name="cogvideox",
    models=("diffusers.CogVideoXTransformer3DModel",),
    grid=patches(size=("patch_size_t", "patch_size", "patch_size"), axes=(1, 3, 4)),
    stacks=(BLOCKS,),
    axes="b f c h w",
)
