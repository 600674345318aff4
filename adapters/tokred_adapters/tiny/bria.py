"""A tiny Bria 3."""

from __future__ import annotations

from typing import Any

from tokred.testing import Host
from tokred_adapters.tiny.making import AXES, KEYS, SIZE, WORD, packed, prompt_and_ids, thousandths


def _build() -> Any:
    from diffusers import BriaTransformer2DModel

    return BriaTransformer2DModel(
        in_channels=4, num_single_layers=2, joint_attention_dim=WORD, axes_dims_rope=AXES, **SIZE
    )


HOSTS = (Host("bria", _build, packed(4), prompt_and_ids, thousandths, keys=KEYS),)
