"""Helios, whose sequence begins with the frames before."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.clips import FRAMES, latents, prompt
from tokred_adapters.tiny.making import thousandths


def _helios() -> Any:
    from diffusers import HeliosTransformer3DModel

    return HeliosTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=4,
        out_channels=4,
        text_dim=16,
        freq_dim=16,
        ffn_dim=32,
        num_layers=2,
        rope_dim=(4, 4, 4),
        is_amplify_history=True,
    )


def _history(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """Make three stretches of the frames before: 1 as it is, 1 at half and 4 at a quarter of the size."""
    made = prompt(generator, batch, grid, text)
    start = 0
    for name, frames in (("long", 4), ("mid", 1), ("short", 1)):
        made[f"latents_history_{name}"] = torch.randn(latents()(batch, (frames, *grid[1:])), generator=generator)
        made[f"indices_latents_history_{name}"] = torch.arange(start, start + frames).expand(batch, -1)
        start += frames
    return {**made, "indices_hidden_states": torch.arange(start, start + grid[0]).expand(batch, -1)}


HOSTS = (
    Host("helios", _helios, latents(), _history, thousandths, **FRAMES),
    Host("helios-start", _helios, latents(), prompt, thousandths, **FRAMES),
)
