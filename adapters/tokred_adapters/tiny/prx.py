"""A tiny PRX."""

from __future__ import annotations

from typing import Any

from tokred.testing import Host
from tokred_adapters.tiny.making import WORD, latents, prompt


def _build() -> Any:
    from diffusers import PRXTransformer2DModel

    return PRXTransformer2DModel(
        in_channels=4, context_in_dim=WORD, hidden_size=32, num_heads=2, depth=2, axes_dim=[8, 8]
    )


HOSTS = (Host("prx", _build, latents(4), prompt, float),)
