"""diffusers' `LongCatImageTransformer2DModel`: as Flux."""

from tokred.family import Family
from tokred.family.grids import PositionIds
from tokred_adapters.joint import DOUBLE, EDITED, PACKED, SINGLE

LONGCAT_IMAGE = Family(
    "longcat-image",
    ("diffusers.LongCatImageTransformer2DModel",),
    PositionIds("img_ids"),
    (DOUBLE, SINGLE),
    roles=EDITED,
    axes=PACKED,
)
