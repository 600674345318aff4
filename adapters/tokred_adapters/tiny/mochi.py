"""Mochi."""

from __future__ import annotations

from typing import Any

from tokred.testing import Host
from tokred_adapters.tiny.clips import FRAMES, latents, masked_prompt
from tokred_adapters.tiny.making import KEYS, thousandths


def _mochi() -> Any:
    from diffusers import MochiTransformer3DModel

    return MochiTransformer3DModel(
        patch_size=2,
        num_attention_heads=2,
        attention_head_dim=12,
        num_layers=2,
        pooled_projection_dim=10,
        in_channels=4,
        text_embed_dim=16,
        time_embed_dim=6,
    )


HOSTS = (Host("mochi", _mochi, latents(), masked_prompt, thousandths, keys=KEYS, **FRAMES),)
