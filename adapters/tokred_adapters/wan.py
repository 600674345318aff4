"""diffusers' Wan 2.1 and 2.2 and what was made of them; text by cross-attention, a time for each token in some."""

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches
from tokred_adapters.rotations import rotate_channels


def wan_blocks(per_token: str) -> Stack:
    """Describe the blocks, in which `per_token` are the axes of a time embedding for each token."""
    return Stack(
        "blocks",
        call="hidden_states: image -> image",
        attention=(
            Attention(
                "attn1",
                "hidden_states: image -> image",
                norms=("norm_q", "norm_k"),
                rotary="rotary_emb",
                rotate=rotate_channels,
            ),
        ),
        mlp="ffn",
        rows={"rotary_emb": "1 image 1 d", "temb": per_token, "attention_mask": "1 1 image image"},
        stays=("encoder_hidden_states",),
    )


WAN = Family(
    name="wan",
    models=(
        "diffusers.WanTransformer3DModel",
        "diffusers.WanVACETransformer3DModel",
        "diffusers.WanAnimateTransformer3DModel",
        "diffusers.ChronoEditTransformer3DModel",
    ),
    grid=patches(axes=(2, 3, 4)),
    stacks=(wan_blocks("b image s d"),),
)
