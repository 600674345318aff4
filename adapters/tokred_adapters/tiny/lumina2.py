"""A tiny Lumina Image 2."""

from __future__ import annotations

from typing import Any

from tokred.testing import Host
from tokred_adapters.tiny.making import AXES, KEYS, WORD, latents, masked_prompt


def _build() -> Any:
    from diffusers import Lumina2Transformer2DModel

    return Lumina2Transformer2DModel(
        sample_size=16,
        in_channels=4,
        hidden_size=32,
        num_layers=2,
        num_refiner_layers=2,
        num_attention_heads=2,
        num_kv_heads=1,
        multiple_of=16,
        axes_dim_rope=AXES,
        axes_lens=(128, 64, 64),
        cap_feat_dim=WORD,
    )


HOSTS = (Host("lumina2", _build, latents(4), masked_prompt, float, keys=KEYS),)
