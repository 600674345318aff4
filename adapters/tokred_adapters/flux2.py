"""diffusers' `Flux2Transformer2DModel`: double blocks as in Flux; one projection for all in the single blocks."""

from dataclasses import replace

from tokred.family import Attention, Family, Stack
from tokred.family.grids import PositionIds, without
from tokred_adapters.joint import DOUBLE, EDITED, ONE, PACKED, ROWS

# Attention and MLP in one, with one projection for both: it takes the keys of the kept tokens only.
PARALLEL = Attention("attn", ONE, "to_qkv_mlp_proj", rotary="image_rotary_emb")

FLUX2 = Family(
    name="flux2",
    models=("diffusers.Flux2Transformer2DModel",),
    grid=without("kv_cache_mode", PositionIds("img_ids")),
    stacks=(
        replace(DOUBLE, stays=("temb_mod_img", "temb_mod_txt")),
        Stack(
            "single_transformer_blocks",
            ONE,
            attention=(PARALLEL,),
            rows=ROWS,
            stays=("temb_mod",),
            reduces=("attn", "block"),
        ),
    ),
    roles=EDITED,
    axes=PACKED,
)
