"""diffusers' `Flux3Transformer2DModel`: modulation of each token by itself, given pictures behind the drawn one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tokred.family import Family
from tokred.family.grids import PositionIds
from tokred_adapters.joint import PACKED, ROWS, SINGLE


class _Ids(PositionIds):
    """Reads the drawn picture and those that are given."""

    def __init__(self) -> None:
        super().__init__("img_ids")
        self.given = PositionIds("image_cond_ids")

    def __call__(self, model: Any, arguments: Mapping[str, Any]) -> Any:
        given = self.given(model, arguments) if arguments.get("image_cond_ids") is not None else ()
        return super().__call__(model, arguments) + given


FLUX3 = Family(
    name="flux3",
    models=("diffusers.Flux3Transformer2DModel",),
    grid=_Ids(),
    stacks=(  # 28 of 33 blocks; those before keep the drawn picture, the given ones and the text apart
        replace(
            SINGLE,
            mlp="ff: text image",
            rows=ROWS | {"temb_mod": "b image c"},
            stays=("temb_mod_context",),
            norm="",
        ),
    ),
    axes=PACKED,
)
