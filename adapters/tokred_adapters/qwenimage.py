"""diffusers' `QwenImageTransformer2DModel`: double blocks throughout, given pictures behind the one that is drawn."""

from dataclasses import replace

from tokred.family import Family
from tokred.family.grids import shapes
from tokred_adapters.joint import BOTH, DOUBLE, EDITED, PACKED
from tokred_adapters.rotations import rotate_complex

QWENIMAGE = Family(
    name="qwenimage",
    models=("diffusers.QwenImageTransformer2DModel",),
    grid=shapes("img_shapes"),
    stacks=(
        replace(
            DOUBLE,
            attention=(replace(BOTH, rotate=rotate_complex),),
            mlp="img_mlp",
            rows={"image_rotary_emb.0": "image d", "modulate_index": "b image"},  # the second table is the text's
            stays=("encoder_hidden_states_mask", "temb"),
        ),
    ),
    roles=EDITED,
    axes=PACKED,
)
