"""diffusers' `OvisImageTransformer2DModel`: as Flux, with gated MLPs in the single blocks."""

from tokred.family import Family
from tokred.family.grids import PositionIds
from tokred_adapters.joint import DOUBLE, PACKED, SINGLE

OVIS_IMAGE = Family(
    "ovis-image", ("diffusers.OvisImageTransformer2DModel",), PositionIds("img_ids"), (DOUBLE, SINGLE), axes=PACKED
)
