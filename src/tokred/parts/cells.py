"""Cells of the token grid: what strides, windows and tiles are made of."""

from __future__ import annotations

import torch

from tokred.errors import SpecError
from tokred.layout import Layout
from tokred.parts.checks import check_at_least

Stride = tuple[int, int]


def check_stride(stride: Stride, name: str = "stride") -> None:
    """Raise `SpecError` unless `stride` is the height and width `(sy, sx)` of a cell, both at least 1 token.

    Args:
        stride: what was given.
        name: the parameter's name.
    """
    if not isinstance(stride, tuple) or len(stride) != 2:
        raise SpecError(f"{name}={stride!r} must be a pair (sy, sx) of whole numbers, such as (2, 2).")
    for side, value in zip(("sy", "sx"), stride, strict=True):
        check_at_least(f"{name}: {side}", value, 1, "the size of a cell in tokens")


def count_cells(layout: Layout, stride: Stride) -> int:
    """Return the number of whole cells in all pictures; 0 where one of them is smaller than a cell."""
    cells = [(h // stride[0]) * (w // stride[1]) for h, w in layout.grids]
    return sum(cells) if all(cells) else 0


def cells_of(layout: Layout, stride: Stride) -> torch.Tensor:
    """List the tokens of each whole cell; rows and columns beyond the last whole one are in none.

    Returns:
        Positions `[cells, sy * sx]`, int64: picture by picture, row by row, within a cell too.
    """
    (sy, sx), found, start = stride, [], 0
    for h, w in layout.grids:
        tokens = torch.arange(start, start + h * w).view(h, w)[: h // sy * sy, : w // sx * sx]
        found.append(tokens.reshape(h // sy, sy, w // sx, sx).transpose(1, 2).reshape(-1, sy * sx))
        start += h * w
    return torch.cat(found)
