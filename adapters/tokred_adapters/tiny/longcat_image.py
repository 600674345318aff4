"""A tiny LongCat-Image."""

from __future__ import annotations

from typing import Any

from tokred.testing import Host
from tokred_adapters.tiny.making import AXES, KEYS, SIZE, WORD, packed, prompt_and_ids


def _build() -> Any:
    from diffusers import LongCatImageTransformer2DModel

    return LongCatImageTransformer2DModel(
        in_channels=4,
        pooled_projection_dim=32,
        num_single_layers=2,
        joint_attention_dim=WORD,
        axes_dims_rope=AXES,
        **SIZE,
    )


HOSTS = (Host("longcat-image", _build, packed(4), prompt_and_ids, float, keys=KEYS),)
