"""diffusers' `FluxTransformer2DModel`: joint attention with rotary positions, double and single blocks."""

from tokred.family import Attention, Family, Stack
from tokred.family.grids import PositionIds
from tokred_adapters.rotations import rotate_heads

ROWS = {"image_rotary_emb": "(text image) d", "attention_mask": "... (text image) (text image)"}
CALL = "hidden_states: image, encoder_hidden_states: text -> text, image"
NORMS = ("norm_q", "norm_k")

FLUX = Family(
    name="flux",
    models=("diffusers.FluxTransformer2DModel",),
    grid=PositionIds("img_ids"),
    stacks=(
        Stack(
            "transformer_blocks",
            call=CALL,
            attention=(
                Attention(
                    "attn",
                    "hidden_states: image, encoder_hidden_states: text -> image, text",
                    norms=NORMS,
                    context_norms=("norm_added_q", "norm_added_k"),
                    rotary="image_rotary_emb",
                    rotate=rotate_heads,
                ),
            ),
            mlp="ff",
            rows=ROWS,
            stays=("ip_hidden_states", "temb"),
        ),
        Stack(
            "single_transformer_blocks",
            call=CALL,
            attention=(
                Attention(
                    "attn",
                    "hidden_states: text image -> text image",
                    norms=NORMS,
                    rotary="image_rotary_emb",
                    rotate=rotate_heads,
                ),
            ),
            mlp=("proj_mlp", "proj_out"),
            rows=ROWS,
            stays=("temb",),
            norm="norm",
        ),
    ),
)
