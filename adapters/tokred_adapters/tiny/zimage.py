"""A tiny Z-Image."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import AXES, KEYS, WORD, latents, words


def _build() -> Any:
    from diffusers import ZImageTransformer2DModel

    return ZImageTransformer2DModel(
        in_channels=4,
        dim=32,
        n_layers=2,
        n_refiner_layers=2,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=WORD,
        axes_dims=AXES,
        axes_lens=(256, 64, 64),
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {"cap_feats": list(words(generator, batch, text))}


def _call(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Hand over a list of pictures `[C, 1, H, W]`, and stack those that come back."""
    pictures = list(arguments["x"][:, :, None])
    made = model(**arguments | {"x": pictures}, t=moment, return_dict=False)[0]
    return torch.stack(made).squeeze(2)


HOSTS = (
    Host(
        "z-image",
        _build,
        latents(4),
        _conditions,
        float,
        argument="x",
        call_model=_call,
        keys=KEYS,
    ),
)
