"""diffusers' `JoyImageEditPlusTransformer3DModel`: blocks as in JoyImage, given pictures behind the drawn one."""

from dataclasses import replace

from tokred.family import Family
from tokred.family.grids import shapes
from tokred_adapters.joint import EDITED
from tokred_adapters.joyimage import BLOCKS

JOYIMAGE_EDIT_PLUS = Family(
    name="joyimage-edit-plus",
    models=("diffusers.JoyImageEditPlusTransformer3DModel",),
    grid=shapes("shape_list"),
    stacks=(replace(BLOCKS, rows={"image_rotary_emb": "b image d", "attention_mask": "... (image text)"}),),
    roles=EDITED,
)
