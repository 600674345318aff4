"""Pictures inside of a page, as data URIs, so that the page needs no file beside it."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import torch

from tokred.extras import extra


def picture_uri(picture: torch.Tensor) -> str:
    """Write a picture `[3, H, W]`, of values in [0, 1], as WebP.

    Raises:
        MissingPackage: if Pillow is not installed.
    """
    with extra("bench"):
        from PIL import Image
    values = picture.float().clamp(0, 1).mul(255).round().to(torch.uint8).cpu()
    held = io.BytesIO()
    Image.fromarray(values.permute(1, 2, 0).contiguous().numpy()).save(held, "webp", quality=85, method=6)
    return _uri("webp", held.getvalue())


def mask_uri(mask: torch.Tensor) -> str:
    """Write a mask `[H, W]`, bool, as a PNG with what is true in white; nothing beside torch is needed."""
    h, w = mask.shape
    rows = b"".join(b"\0" + bytes(row) for row in mask.to(torch.uint8).mul(255).tolist())
    header = struct.pack(">IIBBBBB", w, h, 8, 0, 0, 0, 0)  # 8 bits of grey
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return _uri("png", b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
