"""Cells of the token grid: what strides, windows and tiles are made of."""

from __future__ import annotations

import functools
from math import prod

import numpy as np
import numpy.typing as npt
import torch
from einops import rearrange

from tokred.errors import SpecError
from tokred.layout import Grid, Layout
from tokred.parts.checks import check_at_least

Stride = tuple[int, ...]
SIDES = ("sf", "sy", "sx")


def check_stride(stride: Stride, name: str = "stride") -> None:
    """Raise `SpecError` unless `stride` is the size of a cell, each side at least 1 token.

    Args:
        stride: what was given: height and width `(sy, sx)`, or frames before them, `(sf, sy, sx)`.
        name: the parameter's name.
    """
    if not isinstance(stride, tuple) or len(stride) not in (2, 3):
        raise SpecError(
            f"{name}={stride!r} must be a pair (sy, sx) of whole numbers, such as (2, 2), or (sf, sy, sx) with frames."
        )
    for side, value in zip(SIDES[-len(stride) :], stride, strict=True):
        check_at_least(f"{name}: {side}", value, 1, "the size of a cell in tokens")


@functools.lru_cache(256)  # asked for at every site and step, of few grids
def count_cells(layout: Layout, stride: Stride) -> int:
    """Return the number of whole cells in all pictures; 0 where one of them is smaller than a cell."""
    cells = [prod(n // s for n, s in zip(*_in_three(grid, stride), strict=True)) for grid in layout.grids]
    return sum(cells) if all(cells) else 0


def cells_of(layout: Layout, stride: Stride) -> torch.Tensor:
    """List the tokens of each whole cell; frames, rows and columns beyond the last whole one are in none.

    A cell of two sides lies within a frame of a video.

    Returns:
        Positions `[cells, sf * sy * sx]`, int64, not to be written to: picture by picture, frame by frame, row by row,
        within a cell too.
    """
    return torch.from_numpy(_cells(layout, stride))


@functools.lru_cache(16)  # arrays, since a tensor belongs to the modes that it was made in: inference, fake
def _cells(layout: Layout, stride: Stride) -> npt.NDArray[np.int64]:
    found, start = [], 0
    for grid in layout.grids:
        (f, h, w), (sf, sy, sx) = _in_three(grid, stride)
        tokens = np.arange(start, start + f * h * w).reshape(f, h, w)
        whole = tokens[: f // sf * sf, : h // sy * sy, : w // sx * sx]
        found.append(rearrange(whole, "(f sf) (h sy) (w sx) -> (f h w) (sf sy sx)", sf=sf, sy=sy, sx=sx))
        start += f * h * w
    return np.concatenate(found)


def _in_three(grid: Grid, stride: Stride) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return a grid as `(f, h, w)` and a stride as `(sf, sy, sx)`: a picture is one frame, two sides lie within one."""
    (f, h, w), (sf, sy, sx) = (1, 1, *grid)[-3:], (1, 1, *stride)[-3:]
    return (f, h, w), (sf, sy, sx)
