"""What a model returns, as rows that recoveries and matchers read."""

from __future__ import annotations

from math import prod

import torch
from einops import rearrange

from tokred.errors import UnsupportedModel
from tokred.layout import Grid

PICTURE = "b c (h p) (w q)", "b (h w) (c p q)"
VIDEO = "b c (f t) (h p) (w q)", "b (f h w) (c t p q)"


def as_rows(x: torch.Tensor, grid: Grid | None) -> torch.Tensor:
    """Return a tensor as `[B, M, C]`.

    Args:
        x: what a model returned, in any axes.
        grid: of its tokens, for a row per token: the channels, and in each the pixels, of `[B, C, H, W]` or
            `[B, C, F, H, W]`; None for rows that mean nothing, in the order of memory.

    Raises:
        UnsupportedModel: if there is a grid that does not fit the axes.
    """
    if grid is None:
        return x.reshape(len(x), -1, x.shape[-1]) if x.ndim > 1 else x.reshape(1, 1, -1)
    if x.ndim == 3 and x.shape[1] == prod(grid):
        return x
    return rearrange(x, "{} -> {}".format(*_pattern(x.shape, grid)), **_sizes(grid))


def from_rows(rows: torch.Tensor, shape: torch.Size, grid: Grid | None) -> torch.Tensor:
    """Return rows `[B, M, C]` of a tensor of a shape in its own axes, the opposite of `as_rows`."""
    if grid is None or len(shape) == 3:
        return rows.reshape(shape)
    full, by_token = _pattern(shape, grid)
    inner = dict(zip("tpq"[-len(grid) :], (n // g for n, g in zip(shape[2:], grid, strict=True)), strict=True))
    return rearrange(rows, f"{by_token} -> {full}", **_sizes(grid), **inner)


def _pattern(shape: torch.Size, grid: Grid) -> tuple[str, str]:
    fits = len(shape) == 2 + len(grid) and not any(n % g for n, g in zip(shape[2:], grid, strict=False))
    if not fits:
        raise UnsupportedModel(
            f"The model returned {tuple(shape)}, which has no row for each token of a grid of {grid}. Use a method "
            "that does not match by what the model returned, such as 'dito'."
        )
    return PICTURE if len(grid) == 2 else VIDEO


def _sizes(grid: Grid) -> dict[str, int]:
    return dict(zip("fhw"[-len(grid) :], grid, strict=True))
