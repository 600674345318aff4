"""A tiny DiT."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import KEYS, SIZE, latents, thousandths


def _build() -> Any:
    from diffusers import DiTTransformer2DModel

    return DiTTransformer2DModel(
        in_channels=3, out_channels=3, sample_size=16, patch_size=2, num_embeds_ada_norm=1000, **SIZE
    )


def _label(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {"class_labels": torch.randint(10, (batch,), generator=generator)}


HOSTS = (  # this class draws square pictures only
    Host(
        "dit",
        _build,
        latents(3),
        _label,
        thousandths,
        keys=KEYS,
        grid=(6, 6),
        other_grid=(4, 4),
        text=0,
    ),
)
