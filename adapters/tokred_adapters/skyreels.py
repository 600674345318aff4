"""diffusers' `SkyReelsV2Transformer3DModel`: Wan, whose times of each frame lie along another axis."""

from tokred.family import Family
from tokred.family.grids import patches
from tokred_adapters.wan import wan_blocks

SKYREELS = Family(
    name="skyreels",
    models=("diffusers.SkyReelsV2Transformer3DModel",),
    grid=patches(axes=(2, 3, 4)),
    stacks=(wan_blocks("b s image d"),),
)
