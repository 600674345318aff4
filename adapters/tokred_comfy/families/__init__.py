"""How ComfyUI's own models are made up, for methods that remove tokens; presets work on any model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokred import Family

from .flux import FLUX
from .qwen_image import QWEN_IMAGE
from .sd3 import SD3
from .unet import UNET
from .wan import WAN

if TYPE_CHECKING:
    from torch import nn

FAMILIES = (FLUX, SD3, QWEN_IMAGE, WAN, UNET)


def family_for(network: nn.Module) -> Family | None:
    """Return the description of one of ComfyUI's networks; None of other classes, and of those that inherit from it."""
    library, name = type(network).__module__.partition(".")[0], type(network).__name__
    return next((family for family in FAMILIES if f"{library}.{name}" in family.models), None)
