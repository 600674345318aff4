"""Finding the most similar destination nearby: time linear in the number of tokens."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import torch

from tokred.interfaces import Draw, Similarity
from tokred.layout import Grid, Layout
from tokred.parts.cells import Stride
from tokred.parts.pairing import best_destinations

TILE = 8
"""Cells along each side of a tile; its tokens are compared with the same destinations, so that a product does it."""
CHUNK_BYTES = 3 * 2**23
"""Features gathered at a time: 24 MB."""


@lru_cache(maxsize=8)
def windows_of(layout: Layout, stride: Stride, window: int) -> Draw:
    """Cut pictures into tiles of cells, and list the cells within `window` cells of each tile.

    Tokens beyond the last whole cell belong to that one.

    Returns:
        Tokens of each tile `[T, n]` and places of cells `[T, L]`, the first ones repeated where there are fewer; where
        each token is in the first of these, flattened, `[N]`.
    """
    tiles: list[list[int]] = []
    near: list[list[int]] = []
    token = cell = 0
    for grid in layout.grids:
        rows, columns = (count // side for count, side in zip(grid, stride, strict=True))
        for top, left in product(range(0, rows, TILE), range(0, columns, TILE)):
            below, right = (top + TILE, left + TILE)
            ys = range(top * stride[0], grid[0] if below >= rows else below * stride[0])
            xs = range(left * stride[1], grid[1] if right >= columns else right * stride[1])
            tiles.append([token + y * grid[1] + x for y, x in product(ys, xs)])
            around = product(_around(top, below, window, rows), _around(left, right, window, columns))
            near.append([cell + y * columns + x for y, x in around])
        token, cell = token + _tokens(grid), cell + rows * columns
    padded = _padded(tiles)
    places = torch.zeros(token, dtype=torch.long)
    places[padded.flatten().flip(0)] = torch.arange(padded.numel()).flip(0)
    return padded, _padded(near), places


def best_nearby(
    features: torch.Tensor,
    dst: torch.Tensor,
    windows: Draw,
    similarity: Similarity,
    penalty: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the most similar destination of every token among those near its tile; see `pairing.best_among`.

    Args:
        features: of all tokens, `[B, N, C]`.
        dst: positions of the destinations, one in each cell, ascending, `[D]`, int64.
        windows: what `windows_of` returned, with places in `dst` for those of cells.
        similarity: scores the pairs.
        penalty: see `pairing.best_destinations`.

    Returns:
        The best score and its place in `dst`, both `[B, N]`.
    """
    tiles, near, places = windows
    (_, n), (_, around), batch = tiles.shape, near.shape, len(features)
    each = batch * (n + around) * features.shape[2] * features.element_size()
    found = []
    for mine, others in zip(*(torch.split(x, max(1, CHUNK_BYTES // each)) for x in (tiles, near)), strict=True):
        src = features.index_select(1, mine.flatten()).view(batch * len(mine), n, -1)
        cut = None if penalty is None else penalty.index_select(1, others.flatten()).view(-1, around)
        candidates = features.index_select(1, dst[others].flatten()).view(batch * len(mine), around, -1)
        score, place = best_destinations(src, candidates, similarity, cut)
        nearest = others.expand(batch, -1, -1).flatten(0, 1).gather(1, place)
        found.append((score.view(batch, -1), nearest.view(batch, -1)))
    score, place = (torch.cat(part, dim=1) if len(part) > 1 else part[0] for part in zip(*found, strict=True))
    return score.index_select(1, places), place.index_select(1, places)


def _around(first: int, end: int, window: int, cells: int) -> range:
    return range(max(0, first - window), min(cells, end + window))


def _tokens(grid: Grid) -> int:
    return grid[0] * grid[1]


def _padded(lists: list[list[int]]) -> torch.Tensor:
    longest = max(map(len, lists))
    return torch.tensor([[*values, *values[:1] * (longest - len(values))] for values in lists])
