"""A tiny HunyuanImage 2.1."""

from __future__ import annotations

from typing import Any

from tokred.testing.host import Host
from tokred_adapters.tiny.making import SIZE, WORD, latents, masked_prompt


def _build() -> Any:
    from diffusers import HunyuanImageTransformer2DModel

    return HunyuanImageTransformer2DModel(
        in_channels=4,
        out_channels=4,
        num_single_layers=2,
        num_refiner_layers=1,
        text_embed_dim=WORD,
        rope_axes_dim=(8, 8),
        **SIZE,
    )


HOSTS = (Host("hunyuan-image", _build, latents(4, 1), masked_prompt, lambda time: 999 * time, per_sample=False),)
