"""Pictures inside of a page, as data URIs."""

from __future__ import annotations

import base64
import io
from typing import Literal

import torch
from PIL import Image


def data_uri(picture: torch.Tensor, kind: Literal["png", "webp"] = "webp", quality: int = 85) -> str:
    """Write a picture so that a page needs no file beside it.

    Args:
        picture: `[3, H, W]` in [0, 1], or `[H, W]`, bool.
        kind: "png", which keeps it as it is, or "webp", which is smaller.
        quality: of "webp", up to 100.
    """
    values = picture.float().clamp(0, 1).mul(255).round().to(torch.uint8).cpu()
    image = Image.fromarray((values if values.ndim == 2 else values.permute(1, 2, 0)).contiguous().numpy())
    held = io.BytesIO()
    image.save(held, kind, **({"quality": quality, "method": 6} if kind == "webp" else {"optimize": True}))
    return f"data:image/{kind};base64,{base64.b64encode(held.getvalue()).decode()}"
