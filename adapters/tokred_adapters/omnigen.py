"""diffusers' `OmniGenTransformer2DModel`: a language model in which the drawn picture comes last."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches

JOINED = "hidden_states: text image -> text image"


def _before(model: Any, arguments: Mapping[str, Any]) -> int:
    """Count what comes before the picture: the text, given pictures within it, and the time."""
    return arguments["position_ids"].shape[-1] - prod(patches()(model, arguments)[0])  # type: ignore[no-any-return]


OMNIGEN = Family(
    name="omnigen",
    models=("diffusers.OmniGenTransformer2DModel",),
    grid=patches(),
    stacks=(
        Stack(
            "layers",
            JOINED,
            attention=(Attention("self_attn", JOINED, rotary="image_rotary_emb"),),
            mlp="mlp",
            rows={"image_rotary_emb": "(text image) d", "attention_mask": "b 1 (text image) (text image)"},
        ),
    ),
    text=_before,
)
