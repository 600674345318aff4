"""Sana for video."""

from __future__ import annotations

from typing import Any

from tokred.testing import Host
from tokred_adapters.tiny.clips import FRAMES, latents, masked_prompt
from tokred_adapters.tiny.making import thousandths


def _sana_video() -> Any:
    from diffusers import SanaVideoTransformer3DModel

    return SanaVideoTransformer3DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=12,
        num_layers=2,
        num_cross_attention_heads=2,
        cross_attention_head_dim=12,
        cross_attention_dim=24,
        caption_channels=16,
        sample_size=6,
    )


HOSTS = (Host("sana-video", _sana_video, latents(), masked_prompt, thousandths, **FRAMES),)
