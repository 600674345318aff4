"""Sample sheets: a grid of generated pictures with what was asked for under each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

TILE = 128
CAPTION = 30
COLUMNS = 8


def save_sheet(pictures: torch.Tensor, captions: Sequence[str], path: Path) -> None:
    """Save pictures `[B, 3, H, W]` in [0, 1] as one PNG, enlarged to a height of 128 pixels, a caption under each.

    Eight are in a row. Clips `[B, F, 3, H, W]` are strips of their frames; as many as fit, at least two, are in a row.
    """
    if pictures.ndim == 5:
        pictures = pictures.permute(0, 2, 3, 1, 4).flatten(3)
    wide = pictures.shape[-1] // pictures.shape[-2]
    columns = max(2, COLUMNS // wide)
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * wide * TILE, rows * (TILE + CAPTION)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    tiles = (pictures * 255).round().byte().permute(0, 2, 3, 1).numpy()
    for i, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        corner = (i % columns * wide * TILE, i // columns * (TILE + CAPTION))
        sheet.paste(Image.fromarray(tile).resize((wide * TILE, TILE), Image.Resampling.NEAREST), corner)
        text = textwrap.shorten(textwrap.fill(caption, 20), 60)
        pen.text((corner[0] + 4, corner[1] + TILE), textwrap.fill(text, 20), fill="black", font=font, spacing=1)
    sheet.save(path)
