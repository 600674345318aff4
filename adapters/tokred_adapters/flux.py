"""diffusers' `FluxTransformer2DModel`: joint attention with rotary positions, double and single blocks."""

from tokred.family import Family
from tokred.family.grids import PositionIds
from tokred_adapters.joint import DOUBLE, EDITED, PACKED, SINGLE

FLUX = Family(
    "flux",
    ("diffusers.FluxTransformer2DModel",),
    PositionIds("img_ids"),
    (DOUBLE, SINGLE),
    roles=EDITED,
    axes=PACKED,
)
