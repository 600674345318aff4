"""diffusers' `Krea2Transformer2DModel`: one stream, the text first, rotary positions."""

from tokred.family import Family, Stack
from tokred.family.grids import PositionIds
from tokred_adapters.joint import ALONE, ONE, PACKED

KREA2 = Family(
    name="krea2",
    models=("diffusers.Krea2Transformer2DModel",),
    grid=PositionIds("position_ids", count=lambda arguments: arguments["hidden_states"].shape[1]),
    stacks=(
        Stack(
            "transformer_blocks",
            ONE,
            attention=(ALONE,),
            mlp="ff",
            rows={"image_rotary_emb": "(text image) d", "attention_mask": "... (text image)"},
            stays=("temb",),
        ),
    ),
    projection="final_layer.linear",
    axes=PACKED,
)
