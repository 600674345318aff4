"""diffusers' `DiTTransformer2DModel`: class-conditional, absolute positions, no text."""

from tokred.family import Family
from tokred.family.grids import patches
from tokred_adapters.basic_block import basic_blocks

DIT = Family(
    name="dit",
    models=("diffusers.DiTTransformer2DModel",),
    grid=patches(),
    stacks=(basic_blocks("transformer_blocks"),),
    text=lambda model, arguments: 0,
    projection="proj_out_2",
)
