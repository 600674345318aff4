"""A correspondence by weights: each token is shared out among several kept ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tokred.errors import SpecError
from tokred.reduction import MergeMode, Reduction


@dataclass(frozen=True)
class LinearReduction(Reduction):
    """The linear form of a reduction: within each tile of tokens, merge and unmerge are matrices.

    The fields of the index form say the same in short: `kept` are the destinations, tile by tile, and a removed token
    follows the one from which it takes most.

    Attributes:
        tiles: positions of the n tokens of each of the T tiles, `[T, n]`, int64; every token is in one tile.
        places: place of each of the N tokens in `tiles.flatten()`, `[N]`, int64.
        down: for each of a tile's k destinations, how much each of its tokens counts, `[B or 1, T, k, n]`, float32.
        up: for each of a tile's tokens, how much of each destination it takes, `[B or 1, T, n, k]`, float32.

    Example:
        >>> half = torch.tensor([[[[0.5, 0.5]]]])
        >>> tiles, first = torch.tensor([[0, 1]]), torch.tensor([[[0]]])
        >>> reduction = LinearReduction.from_weights(tiles, first, down=half, up=torch.ones(1, 1, 2, 1))
        >>> reduction.merge(torch.tensor([[[1.0], [3.0]]]), "mean").flatten()
        tensor([2.])
    """

    tiles: torch.Tensor
    places: torch.Tensor
    down: torch.Tensor
    up: torch.Tensor

    @staticmethod
    def from_weights(tiles: torch.Tensor, dst: torch.Tensor, down: torch.Tensor, up: torch.Tensor) -> LinearReduction:
        """Build the reduction of these weights.

        Args:
            tiles: see `LinearReduction`.
            dst: places of the destinations within their tile, `[B or 1, T, k]`, int64.
            down: see `LinearReduction`.
            up: see `LinearReduction`.
        """
        rows, count, k = dst.shape
        kept = tiles.expand(rows, -1, -1).gather(2, dst).flatten(1)
        places = tiles.flatten().argsort()
        heaviest = up.argmax(dim=3) + k * torch.arange(count, device=tiles.device).unsqueeze(1)
        own = torch.arange(count * k, device=tiles.device).expand(rows, -1)
        assign = heaviest.flatten(1).index_select(1, places).scatter(1, kept, own)
        sizes = torch.zeros_like(kept).scatter_add(1, assign, torch.ones_like(assign))
        return LinearReduction(kept, assign, sizes, tiles, places, down, up)

    def merge(self, x: torch.Tensor, mode: MergeMode = "prune") -> torch.Tensor:
        """Reduce N tokens to K.

        Args:
            x: features of all image tokens, `[B, N, C]`.
            mode: "prune" leaves the destinations as they are; "mean" weighs the tokens of their tile by `down`.

        Returns:
            `[B, K, C]` in the dtype of `x`.
        """
        if mode == "prune":
            return super().merge(x, mode)
        if mode != "mean":
            raise SpecError(f"merge={mode!r} is not a way to merge by weights. Allowed: prune, mean.")
        return _product(self.down, x.index_select(1, self.tiles.flatten()))

    def unmerge(self, y: torch.Tensor) -> torch.Tensor:
        """Give each of the N tokens its mixture, by `up`, of its tile's destinations.

        Args:
            y: features of the destinations, `[B, K, C]`.

        Returns:
            `[B, N, C]`.
        """
        return _product(self.up, y).index_select(1, self.places)


def _product(weights: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Multiply `weights` `[B or 1, T, i, j]` with `rows` `[B, T * j, C]`, summed in float32: `[B, T * i, C]`."""
    wide = torch.promote_types(rows.dtype, torch.float32)
    tiled = rows.view(len(rows), weights.shape[1], weights.shape[3], -1)
    return (weights.to(wide) @ tiled.to(wide)).flatten(1, 2).to(rows.dtype)
