"""Tiny models of Stable Diffusion 3 and 3.5."""

from __future__ import annotations

from typing import Any

from tokred.testing import Host
from tokred_adapters.tiny.making import KEYS, POOLED, SIZE, WORD, latents, pooled_prompt, thousandths


def _build(**kwargs: Any) -> Any:
    from diffusers import SD3Transformer2DModel

    return SD3Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=4,
        out_channels=4,
        joint_attention_dim=WORD,
        caption_projection_dim=32,
        pooled_projection_dim=POOLED,
        pos_embed_max_size=12,
        **SIZE,
        **kwargs,
    )


def _build_35() -> Any:
    return _build(dual_attention_layers=(0,), qk_norm="rms_norm")


HOSTS = (
    Host("sd3", _build, latents(4), pooled_prompt, thousandths, keys=KEYS),
    Host("sd35", _build_35, latents(4), pooled_prompt, thousandths, keys=KEYS),
)
