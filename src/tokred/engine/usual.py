"""What is applied where nobody names a method."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from tokred.engine.denoisers import denoisers_of
from tokred.registry import family_of

DRAWS, EDITS = "balanced", "edit"


def usual_method(target: Any) -> str:
    """Return the name of the preset for a pipeline or model: "edit" where it takes reference pictures, else "balanced".

    Raises:
        UnsupportedModel: if there is no model in it.
    """
    families = [family_of(model) for model in denoisers_of(target, _known).values()]
    refers = any(family is not None and "reference" in family.roles for family in families)
    takes = inspect.signature(type(target).__call__).parameters
    return EDITS if refers and "image" in takes else DRAWS


def _known(model: nn.Module) -> bool:
    family = family_of(model)
    return family is not None and family.repeats
