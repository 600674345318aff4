"""What a model returns, as rows that recoveries and matchers read."""

from __future__ import annotations

from math import prod

import torch
from einops import rearrange

from tokred.errors import UnsupportedModel
from tokred.layout import Grid

INNER = {"f": "t", "h": "p", "w": "q"}
"""What a token has of each side of the grid."""


def as_rows(x: torch.Tensor, grid: Grid | None, axes: str = "") -> torch.Tensor:
    """Return a tensor as `[B, M, C]`.

    Args:
        x: what a model returned, in any axes.
        grid: of its tokens, for a row per token: the channels, and in each the pixels; None for rows that mean nothing,
            in the order of memory.
        axes: of a tensor that has no such rows yet; "b c h w", or "b c f h w" of a video, where they are empty.

    Raises:
        UnsupportedModel: if there is a grid that does not fit the axes.
    """
    if grid is None:
        return x.reshape(len(x), -1, x.shape[-1]) if x.ndim > 1 else x.reshape(1, 1, -1)
    if x.ndim == 3 and x.shape[1] == prod(grid):
        return x
    names, sides = _fitting(x.shape, grid, axes)
    return rearrange(x, f"{_by_pixel(names)} -> {_by_token(names)}", **sides)


def from_rows(rows: torch.Tensor, shape: torch.Size, grid: Grid | None, axes: str = "") -> torch.Tensor:
    """Return rows `[B, M, C]` of a tensor of a shape in its own axes, the opposite of `as_rows`."""
    if grid is None or len(shape) == 3:
        return rows.reshape(shape)
    names, sides = _fitting(shape, grid, axes)
    inner = {INNER[name]: shape[names.index(name)] // side for name, side in sides.items()}
    return rearrange(rows, f"{_by_token(names)} -> {_by_pixel(names)}", **sides, **inner)


def pixels_of(shape: torch.Size, grid: Grid | None, axes: str = "") -> int:
    """Return how many pixels a token has in the rows of a tensor of a shape; 1 where nothing says more."""
    if grid is None:
        return 1
    if len(shape) == 3:
        return prod(int(side) for side in axes.rstrip(")").split() if side.isdigit())
    names, sides = _fitting(shape, grid, axes)
    return prod(shape[names.index(name)] // side for name, side in sides.items())


def _fitting(shape: torch.Size, grid: Grid, axes: str) -> tuple[list[str], dict[str, int]]:
    """Return the names of the axes, and the sides of the grid by their names."""
    names = (axes or ("b c h w" if len(grid) == 2 else "b c f h w")).split()
    sides = dict(zip("fhw", (1, *grid)[-3:], strict=True)) if "f" in names else dict(zip("hw", grid[-2:], strict=True))
    fits = len(shape) == len(names) and prod([*sides.values()]) == prod(grid)  # of a list: dynamo follows it
    if not fits or any(shape[names.index(name)] % side for name, side in sides.items()):
        raise UnsupportedModel(
            f"The model returned {tuple(shape)}, which has no row for each of its {prod(grid)} image tokens. Use a "
            "method that does not match by what the model returned, such as 'dito'."
        )
    return names, sides


def _by_pixel(names: list[str]) -> str:
    return " ".join(f"({name} {INNER[name]})" if name in INNER else name for name in names)


def _by_token(names: list[str]) -> str:
    sides = [name for name in "fhw" if name in names]
    return f"b ({' '.join(sides)}) (c {' '.join(INNER[name] for name in sides)})"
