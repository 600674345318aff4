"""Allegro, and Latte, which looks at one frame or at one place at a time."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.clips import FRAMES, angles, latents, masked_prompt, prompt
from tokred_adapters.tiny.making import thousandths


def _allegro() -> Any:
    from diffusers import AllegroTransformer3DModel

    return AllegroTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        cross_attention_dim=24,
        sample_height=8,
        sample_width=12,
        sample_frames=3,
        caption_channels=16,
    )


def _latte() -> Any:
    from diffusers import LatteTransformer3DModel

    return LatteTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        cross_attention_dim=24,
        sample_size=12,
        patch_size=2,
        caption_channels=16,
        num_embeds_ada_norm=1000,
        norm_type="ada_norm_single",
        norm_elementwise_affine=False,
        attention_bias=True,
        activation_fn="gelu-approximate",
        video_length=3,
    )


def _rotated(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """Make a rotary table for each axis, and positions `[3, 1, N]` to look up there."""
    tables = tuple(angles(side, 4) for side in grid)
    places = torch.cartesian_prod(*map(torch.arange, grid)).T.unsqueeze(1).contiguous()
    return {**masked_prompt(generator, batch, grid, text), "image_rotary_emb": (tables, tuple(places))}


ALLEGRO = (Host("allegro", _allegro, latents(), _rotated, thousandths, **FRAMES),)
HOSTS = (*ALLEGRO, Host("latte", _latte, latents(), prompt, thousandths, grid=(3, 4, 6), other_grid=(3, 6, 2)))
