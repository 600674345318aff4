"""A tiny AuraFlow."""

from __future__ import annotations

from typing import Any

from tokred.testing import Host
from tokred_adapters.tiny.making import KEYS, WORD, latents, prompt


def _build() -> Any:
    from diffusers import AuraFlowTransformer2DModel

    return AuraFlowTransformer2DModel(
        sample_size=16,
        in_channels=4,
        num_mmdit_layers=2,
        num_single_dit_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=WORD,
        caption_projection_dim=32,
        out_channels=4,
        pos_embed_max_size=144,
    )


HOSTS = (Host("auraflow", _build, latents(4), prompt, float, keys=KEYS),)
