"""diffusers' `PixArtTransformer2DModel`: text by cross-attention, absolute positions."""

from tokred.family import Family
from tokred.family.grids import patches
from tokred_adapters.basic_block import basic_blocks

PIXART = Family(
    name="pixart",
    models=("diffusers.PixArtTransformer2DModel",),
    grid=patches(),
    stacks=(basic_blocks("transformer_blocks"),),
)
