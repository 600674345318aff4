"""diffusers' `BriaTransformer2DModel`: as Flux."""

from tokred.family import Family
from tokred.family.grids import PositionIds
from tokred_adapters.joint import DOUBLE, PACKED, SINGLE

BRIA = Family("bria", ("diffusers.BriaTransformer2DModel",), PositionIds("img_ids"), (DOUBLE, SINGLE), axes=PACKED)
