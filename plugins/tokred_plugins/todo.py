"""ToDo: Smith, Saxena, Saha, "ToDo: Token Downsampling for Efficient Generation", 2024, arXiv:2402.13573."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from tokred import Layout, Method, Reduction, Similarity, SpecError
from tokred.interfaces import Draw, Memory
from tokred.parts import Copy, Cosine, EveryStep, cells_of, check_at_least, count_cells

Sample = Literal["nearest-exact", "nearest", "mean"]


@dataclass(frozen=True)
class Downsample:
    """Keep one token of each square cell, always the same one; no features are read.

    Attributes:
        factor: height and width of a cell, in tokens.
        exact: whether it is the token at the cell's middle, below and right of it where that is between two, as
            PyTorch's "nearest-exact"; else the top-left one.
    """

    factor: int = 2
    exact: bool = True

    def __post_init__(self) -> None:
        check_at_least("factor", self.factor, 2, "by how much the grid gets smaller, in height and in width")

    @property
    def max_ratio(self) -> float:
        """Share of the tokens that are not kept; it removes these and no fewer."""
        return 1 - 1 / self.factor**2

    def capacity(self, layout: Layout) -> int:
        """Return the number of tokens that are not kept, or 0 where `factor` does not divide a grid."""
        cells = count_cells(layout, (self.factor, self.factor))
        return layout.image - cells if cells * self.factor**2 == layout.image else 0

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """List the tokens of each cell `[K, factor ** 2]`; nothing is random."""
        return (cells_of(layout, (self.factor, self.factor)),)

    def state_spec(self, shape: tuple[int, int]) -> dict[str, tuple[int, ...]]:
        """Declare no memory."""
        return {}

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Build the same reduction always; of `features` `[B, N, C]` only N is read."""
        (cells,) = draw
        middle = (self.factor // 2) * (self.factor + 1) if self.exact else 0
        others = [place for place in range(self.factor**2) if place != middle]
        kept = cells[:, middle, None].expand(-1, len(others))
        return Reduction.from_pairs(features.shape[1], cells[:, others].reshape(1, -1), kept.reshape(1, -1))


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
