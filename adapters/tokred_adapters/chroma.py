"""diffusers' `ChromaTransformer2DModel`: Flux without a modulation of its own, one stream in the single blocks."""

from dataclasses import replace

from tokred.family import Family
from tokred.family.grids import PositionIds
from tokred_adapters.joint import DOUBLE, JOINED, PACKED, ROWS

# The block makes a mask of pairs from that of tokens.
MASKED = ROWS | {"attention_mask": "b (text image) | b 1 (text image) (text image)"}

CHROMA = Family(
    name="chroma",
    models=("diffusers.ChromaTransformer2DModel",),
    grid=PositionIds("img_ids"),
    stacks=(replace(DOUBLE, rows=MASKED), replace(JOINED, rows=MASKED)),
    axes=PACKED,
)
