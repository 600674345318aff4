"""diffusers' `ConsisIDTransformer3DModel`: CogVideoX, to which a face is added between blocks."""

from tokred.family import Family
from tokred.family.grids import patches
from tokred_adapters.cogvideox import BLOCKS

CONSISID = Family(
    name="consisid",
    models=("diffusers.ConsisIDTransformer3DModel",),
    grid=patches(size=(1, "patch_size", "patch_size"), axes=(1, 3, 4)),
    stacks=(BLOCKS,),
    axes="b f c h w",
)
