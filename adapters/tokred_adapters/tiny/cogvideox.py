"""CogVideoX, with rotary tables and without them, and ConsisID."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.clips import FRAMES, angles, frames_first, prompt
from tokred_adapters.tiny.making import KEYS, thousandths

HEAD = 16
SIZE: dict[str, Any] = {
    "num_attention_heads": 2,
    "attention_head_dim": HEAD,
    "in_channels": 4,
    "out_channels": 4,
    "time_embed_dim": 6,
    "text_embed_dim": 16,
    "num_layers": 2,
    "sample_width": 12,
    "sample_height": 8,
    "sample_frames": 9,
    "patch_size": 2,
}
FACE: dict[str, Any] = {
    "is_train_face": True,
    "cross_attn_interval": 1,
    "cross_attn_dim_head": 4,
    "cross_attn_num_heads": 2,
    "LFE_id_dim": 6,
    "LFE_vit_dim": 8,
    "LFE_depth": 2,
    "LFE_dim_head": 4,
    "LFE_num_heads": 2,
    "LFE_num_id_token": 2,
    "LFE_num_querie": 3,
    "LFE_output_dim": 21,
    "LFE_ff_mult": 1,
    "LFE_num_scale": 2,
}
"""Of the part that looks at a face."""


def _cogvideox() -> Any:
    from diffusers import CogVideoXTransformer3DModel

    return CogVideoXTransformer3DModel(**SIZE, use_rotary_positional_embeddings=True)


def _cogvideox_2b() -> Any:
    from diffusers import CogVideoXTransformer3DModel

    return CogVideoXTransformer3DModel(**SIZE, max_text_seq_length=5)


def _consisid() -> Any:
    from diffusers import ConsisIDTransformer3DModel

    return ConsisIDTransformer3DModel(**SIZE, **FACE, use_rotary_positional_embeddings=True)


def _rotated(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    tables = angles(grid[0] * grid[1] * grid[2], HEAD)
    return {**prompt(generator, batch, grid, text), "image_rotary_emb": tables}


def _short(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """Make the 5 text tokens that a model with positions of its own takes, whatever is asked for."""
    return prompt(generator, batch, grid, 5)


def _identity(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {
        **_rotated(generator, batch, grid, text),
        "id_cond": torch.randn(batch, 6, generator=generator),
        "id_vit_hidden": [torch.randn(batch, 3, 8, generator=generator) for _ in range(2)],
    }


COGVIDEOX = (
    Host("cogvideox", _cogvideox, frames_first(), _rotated, thousandths, keys=KEYS, **FRAMES),
    Host("cogvideox-2b", _cogvideox_2b, frames_first(), _short, thousandths, keys=KEYS, **FRAMES),
)
CONSISID = (Host("consisid", _consisid, frames_first(), _identity, thousandths, keys=KEYS, **FRAMES),)
HOSTS = (*COGVIDEOX, *CONSISID)
