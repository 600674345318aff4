"""A tiny Sana."""

from __future__ import annotations

from typing import Any

from tokred.testing import Host
from tokred_adapters.tiny.making import KEYS, SIZE, WORD, latents, prompt, thousandths


def _build() -> Any:
    from diffusers import SanaTransformer2DModel

    return SanaTransformer2DModel(
        in_channels=4,
        out_channels=4,
        num_cross_attention_heads=2,
        cross_attention_head_dim=16,
        cross_attention_dim=32,
        caption_channels=WORD,
        sample_size=16,
        **SIZE,
    )


HOSTS = (Host("sana", _build, latents(4, 1), prompt, thousandths, keys=KEYS),)
