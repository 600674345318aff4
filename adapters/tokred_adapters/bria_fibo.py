"""diffusers' `BriaFiboTransformer2DModel`: as Flux, one stream in the single blocks."""

from tokred.family import Family
from tokred.family.grids import PositionIds
from tokred_adapters.joint import DOUBLE, JOINED

# Half of the channels of each text token are replaced between blocks; the tokens stay where they are.
BRIA_FIBO = Family("bria-fibo", ("diffusers.BriaFiboTransformer2DModel",), PositionIds("img_ids"), (DOUBLE, JOINED))
