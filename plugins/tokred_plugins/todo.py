"""ToDo: Smith, Saxena, Saha, "Token Downsampling", 2024, arXiv:2402.13573."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

import torch

from tokred import Layout, Method, Reduction, Similarity, SpecError
from tokred.interfaces import Draw, Memory
from tokred.parts import Copy, Cosine, EveryStep, Stateless, check_at_least, count_cells

Sample = Literal["nearest-exact", "nearest", "mean"]


@dataclass(frozen=True)
class Downsample(Stateless):
    """Keep what resizing the grid to a smaller one picks, always the same tokens; no features are read.

    A grid of h by w becomes one of h // factor by w // factor, by the rule of PyTorch's `interpolate`; of a video each
    frame by itself. Where that is more than there are to remove, the last tokens stay too.

    Attributes:
        factor: by how much the grid gets smaller, in height and in width; at least 2.
        exact: whether the token at the middle of a cell is picked, as by "nearest-exact"; else the first, by "nearest".
    """

    factor: int = 2
    exact: bool = True

    def __post_init__(self) -> None:
        check_at_least("factor", self.factor, 2, "by how much the grid gets smaller, in height and in width")

    @property
    def max_ratio(self) -> float:
        """Share of the tokens that are not picked, where `factor` divides the grid."""
        return 1 - 1 / self.factor**2

    def capacity(self, layout: Layout) -> int:
        """Return the number of tokens that are not picked, or 0 where a grid is smaller than `factor`."""
        cells = count_cells(layout, (self.factor, self.factor))
        return layout.image - cells if cells else 0

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """List the first `r` tokens that are not picked, and the one that is picked for each, both `[1, r]`."""
        picked, start = [], 0
        for grid in layout.grids:
            h, w = grid[-2:]
            for _ in range(prod(grid[:-2])):
                picked.append(start + self._picked(h)[:, None] * w + self._picked(w))
                start += h * w
        for_each = torch.cat([tokens.flatten() for tokens in picked])
        src = torch.isin(torch.arange(layout.image), for_each).int().argsort(stable=True)[:r]
        return src.unsqueeze(0), for_each[src].unsqueeze(0)

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Build the reduction that was drawn; of `features` `[B, N, C]` only N is read."""
        return Reduction.from_pairs(features.shape[1], *draw)

    def _picked(self, side: int) -> torch.Tensor:
        """Return, for each place along a side of the grid, the one that is picked for its cell, `[side]`."""
        cells = side // self.factor
        cell = torch.arange(side) * cells // side
        return (2 * cell + 1) * side // (2 * cells) if self.exact else cell * side // cells


def todo(*, factor: int = 2, sample: Sample = "nearest-exact") -> Method:
    """Let all queries attend to the keys and values of a smaller grid, in every call.

    Args:
        factor: by how much the grid of keys and values is smaller, in height and in width; at least 2.
        sample: which token of a cell stands for it: "nearest-exact", at its middle; "nearest", the top-left; or
            "mean", the average of all.
    """
    if sample not in ("nearest-exact", "nearest", "mean"):
        raise SpecError(f"sample={sample!r} is not known. Allowed: nearest-exact, nearest, mean.")
    matcher = Downsample(factor, exact=sample != "nearest")
    return Method(
        name="todo",
        paper="arXiv:2402.13573",
        similarity=Cosine(),  # not asked for: the matcher reads no features
        matcher=matcher,
        scheduler=EveryStep(matcher.max_ratio),
        recovery=Copy(),  # not asked for: every query is computed
        merge="mean" if sample == "mean" else "prune",
        sites=("kv",),
    )
