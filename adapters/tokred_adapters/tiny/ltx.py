"""LTX and LTX-2, which makes sound as well."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.clips import FRAMES, masked_prompt
from tokred_adapters.tiny.making import KEYS, packed, thousandths

SOUND = 9
"""Tokens of sound."""
SIZE: dict[str, Any] = {
    "in_channels": 4,
    "out_channels": 4,
    "num_attention_heads": 2,
    "attention_head_dim": 12,
    "cross_attention_dim": 24,
    "num_layers": 2,
    "caption_channels": 16,
}


def _ltx() -> Any:
    from diffusers import LTXVideoTransformer3DModel

    return LTXVideoTransformer3DModel(**SIZE)


def _ltx2(**kwargs: Any) -> Any:
    from diffusers import LTX2VideoTransformer3DModel

    return LTX2VideoTransformer3DModel(
        **SIZE,
        audio_in_channels=4,
        audio_out_channels=4,
        audio_num_attention_heads=2,
        audio_attention_head_dim=8,
        audio_cross_attention_dim=16,
        rope_double_precision=False,
        **kwargs,
    )


def _clip(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    sides = dict(zip(("num_frames", "height", "width"), grid, strict=True))
    return {**masked_prompt(generator, batch, grid, text), **sides}


def _clip_with_sound(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {
        **_clip(generator, batch, grid, text),
        "audio_hidden_states": torch.randn(batch, SOUND, 4, generator=generator),
        "audio_encoder_hidden_states": torch.randn(batch, text, 16, generator=generator),
        "audio_num_frames": SOUND,
        "fps": 25.0,
    }


LTX = (Host("ltx", _ltx, packed(4), _clip, thousandths, keys=KEYS, **FRAMES),)
HOSTS = (*LTX, Host("ltx2", _ltx2, packed(4), _clip_with_sound, thousandths, **FRAMES))
