"""Sample sheets: a grid of generated pictures of evenly spaced classes."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image


def spread_seeds(classes: int, samples: int) -> list[int]:
    """Choose `samples` different seeds whose classes, `seed % classes`, are spread evenly."""
    return [int(i * max(1.0, classes / samples)) for i in range(samples)]


def save_sheet(pictures: torch.Tensor, path: Path, columns: int = 8) -> None:
    """Save pictures `[B, 3, H, W]` in [0, 1] as one PNG, `columns` in a row."""
    count, _, height, width = pictures.shape
    sheet = Image.new("RGB", (columns * width, -(-count // columns) * height), "white")
    for i, picture in enumerate((pictures * 255).round().byte().permute(0, 2, 3, 1).numpy()):
        sheet.paste(Image.fromarray(picture), (i % columns * width, i // columns * height))
    sheet.save(path)
