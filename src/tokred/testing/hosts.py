"""The tiny models of tokred's first families, of `tokred_adapters.tiny`."""

from __future__ import annotations

from typing import Any

from tokred.testing.host import Grid, Host, call_classifier
from tokred_adapters.tiny.dit import HOSTS as DIT
from tokred_adapters.tiny.flux import HOSTS as FLUX
from tokred_adapters.tiny.pixart import HOSTS as PIXART
from tokred_adapters.tiny.sd3 import HOSTS as SD3

__all__ = ["DIT", "FASHION", "FLUX", "HOSTS", "PIXART", "SD3", "TEXT", "VIT"]

TEXT = 5
"""Text tokens, where there are any."""


def _vit(**kwargs: Any) -> Any:
    from timm.models.vision_transformer import VisionTransformer

    sizes = {"embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 7} | kwargs
    return VisionTransformer(img_size=(24, 32), patch_size=4, dynamic_img_size=True, **sizes)


def _pictures(batch: int, grid: Grid) -> tuple[int, ...]:
    return (batch, 3, 4 * grid[0], 4 * grid[1])


def _vit_host(name: str, **kwargs: Any) -> Host:
    return Host(name, lambda: _vit(**kwargs), _pictures, argument="x", call_model=call_classifier, text=0)


VIT = (
    _vit_host("vit"),
    _vit_host("deit3", init_values=1e-6, no_embed_class=True),
    _vit_host("vit-registers", reg_tokens=4, class_token=True),
)
FASHION = (_vit_host("vit-128", embed_dim=128, depth=4),)
"""As wide as the zoo's `fashion-vit`, for what was trained on its tokens."""
HOSTS = (*DIT, *PIXART, *SD3, *FLUX, *VIT)
