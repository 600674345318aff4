"""diffusers' `CosmosTransformer3DModel`: text by cross-attention, positions added in every block."""

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches
from tokred_adapters.rotations import rotate_halves

COSMOS = Family(
    name="cosmos",
    models=("diffusers.CosmosTransformer3DModel",),
    grid=patches(axes=(2, 3, 4)),
    stacks=(
        Stack(
            "transformer_blocks",
            call="hidden_states: image -> image",
            attention=(
                Attention(
                    "attn1",
                    "hidden_states: image -> image",
                    norms=("norm_q", "norm_k"),
                    rotary="image_rotary_emb",
                    rotate=rotate_halves,
                    heads_first=True,
                ),
            ),
            mlp="ff",
            rows={
                "image_rotary_emb": "image d",
                "extra_pos_emb": "b image d",
                "embedded_timestep": "b image d",
                "temb": "b image d",
                "controlnet_residual": "b image d",
            },
            stays=("encoder_hidden_states", "attention_mask"),
        ),
    ),
)
