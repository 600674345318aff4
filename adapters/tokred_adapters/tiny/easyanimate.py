"""EasyAnimate."""

from __future__ import annotations

from typing import Any

from tokred.testing import Host
from tokred_adapters.tiny.clips import FRAMES, latents, prompt
from tokred_adapters.tiny.making import KEYS, thousandths


def _easyanimate(**kwargs: Any) -> Any:
    from diffusers import EasyAnimateTransformer3DModel

    return EasyAnimateTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=4,
        out_channels=4,
        patch_size=2,
        sample_width=12,
        sample_height=8,
        num_layers=2,
        time_embed_dim=6,
        text_embed_dim=16,
        **kwargs,
    )


HOSTS = (
    Host("easyanimate", _easyanimate, latents(), prompt, thousandths, keys=KEYS, **FRAMES),
    Host("easyanimate-shared", lambda: _easyanimate(mmdit_layers=1), latents(), prompt, thousandths, **FRAMES),
)
