"""A tiny Chroma."""

from __future__ import annotations

from typing import Any

from tokred.testing.host import Host
from tokred_adapters.tiny.making import AXES, SIZE, WORD, packed, prompt_and_ids


def _build() -> Any:
    from diffusers import ChromaTransformer2DModel

    return ChromaTransformer2DModel(
        in_channels=4,
        num_single_layers=2,
        joint_attention_dim=WORD,
        axes_dims_rope=AXES,
        approximator_num_channels=8,
        approximator_hidden_dim=16,
        approximator_layers=1,
        **SIZE,
    )


HOSTS = (Host("chroma", _build, packed(4), prompt_and_ids, float, per_sample=False),)
