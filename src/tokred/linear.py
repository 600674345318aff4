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
        slots: which of the T * k places for destinations are taken, `[K]`, int64; None where all are.

    Examples:
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
    slots: torch.Tensor | None = None

    @staticmethod
    def from_weights(
        tiles: torch.Tensor, dst: torch.Tensor, down: torch.Tensor, up: torch.Tensor, short: int = 0
    ) -> LinearReduction:
        """Build the reduction of these weights.

        Args:
            tiles: see `LinearReduction`.
            dst: places of the destinations within their tile, `[B or 1, T, k]`, int64.
            down: see `LinearReduction`.
            up: see `LinearReduction`.
            short: number of tiles, the first ones, that have one destination less: their last one is none.
        """
        rows, count, k = dst.shape
        taken = torch.ones(count, k, dtype=torch.bool, device=tiles.device)
        taken[:short, -1] = False
        slots = torch.arange(count * k, device=tiles.device)[: count * k - short]
        slots = slots + (slots // max(1, k - 1)).clamp_max(short) if short else slots
        kept = tiles.expand(rows, -1, -1).gather(2, dst).flatten(1).index_select(1, slots)
        places, rank = tiles.flatten().argsort(), taken.flatten().cumsum(0) - 1
        heaviest = up.masked_fill(~taken.unsqueeze(1), -torch.inf).argmax(dim=3)
        heaviest = rank[heaviest + k * torch.arange(count, device=tiles.device).unsqueeze(1)]
        own = torch.arange(len(slots), device=tiles.device).expand(rows, -1)
        assign = heaviest.flatten(1).index_select(1, places).scatter(1, kept, own)
        return LinearReduction(kept, assign, tiles, places, down, up, slots if short else None)

    def merge(self, x: torch.Tensor, mode: MergeMode = "prune", sizes: torch.Tensor | None = None) -> torch.Tensor:
        """Reduce N tokens to K.

        Args:
            x: features of all image tokens, `[B, N, C]`.
            mode: "prune" leaves the destinations as they are; "mean" weighs the tokens of their tile by `down`.
            sizes: not looked at.

        Returns:
            `[B, K, C]` in the dtype of `x`.
        """
        if mode == "prune":
            return super().merge(x, mode)
        if mode != "mean":
            raise SpecError(f"merge={mode!r} is not a way to merge by weights. Allowed: prune, mean.")
        merged = _product(self.down, x.index_select(1, self.tiles.flatten()))
        return merged if self.slots is None else merged.index_select(1, self.slots)

    def unmerge(self, y: torch.Tensor) -> torch.Tensor:
        """Give each of the N tokens its mixture, by `up`, of its tile's destinations.

        Args:
            y: features of the destinations, `[B, K, C]`.

        Returns:
            `[B, N, C]`.
        """
        if self.slots is not None:
            y = y.new_zeros(len(y), self.up.shape[1] * self.up.shape[3], y.shape[2]).index_copy(1, self.slots, y)
        return _product(self.up, y).index_select(1, self.places)


def _product(weights: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Multiply `weights` `[B or 1, T, i, j]` with `rows` `[B, T * j, C]`, summed in float32: `[B, T * i, C]`."""
    wide = torch.promote_types(rows.dtype, torch.float32)
    tiled = rows.view(len(rows), weights.shape[1], weights.shape[3], -1)
    return (weights.to(wide) @ tiled.to(wide)).flatten(1, 2).to(rows.dtype)
