"""diffusers' `GlmImageTransformer2DModel`: blocks as in CogView 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokred import UnsupportedModel
from tokred.family import Family
from tokred.family.grids import patches
from tokred_adapters.cogview4 import BLOCKS


def _grid(model: Any, arguments: Mapping[str, Any]) -> Any:
    caches = arguments.get("kv_caches")
    if caches is not None and caches[0].mode in ("write", "read"):
        raise UnsupportedModel("kv_caches hold keys of all tokens of a given picture. Draw from text alone.")
    return patches()(model, arguments)


GLM_IMAGE = Family("glm-image", ("diffusers.GlmImageTransformer2DModel",), _grid, (BLOCKS,))
