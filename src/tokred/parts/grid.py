"""One destination per cell of the token grid, the matcher of ToMeSD."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal, get_args

import torch

from tokred.errors import SpecError
from tokred.interfaces import Draw, Memory, Similarity
from tokred.layout import Layout
from tokred.parts.cells import cells_of, check_stride, count_cells
from tokred.parts.checks import check_at_least
from tokred.parts.frequency import NO_PENALTY, FrequencyPenalty
from tokred.parts.pairing import best_among
from tokred.parts.window import best_nearby, windows_of
from tokred.reduction import Reduction

Remove = Literal["similar", "least"]


@dataclass(frozen=True)
class GridMatcher:
    """Keep one destination in every cell of the grid; remove the r other tokens that resemble one most.

    Bipartite soft matching on a grid (Bolya & Hoffman, "Token Merging for Fast Stable Diffusion", CVPR Workshops
    2023): a source goes to its most similar destination, wherever that lies. Rows and columns beyond the last whole
    cell hold sources only. The destinations are shared by the batch; the pairs are each sample's own.

    Attributes:
        stride: height and width `(sy, sx)` of a cell, in tokens; or frames before them, `(sf, sy, sx)`.
        random: whether the destination is drawn anew in each cell at every match; else it is the top-left token.
        penalty: what tokens lose that earlier matches chose often.
        window: how many cells beyond its own a token's destination may be in, at least; 0 for anywhere. Tokens are
            compared tile by tile, of 8 by 8 cells, and all of a tile with all cells within `window` of it: time is
            linear in the number of tokens.
        remove: which r tokens go: "similar", those that resemble a destination most; "least", those whose features are
            shortest, a length counting `1 + penalty` times: with signal="error" the tokens stay whose forecasts err
            most. Either way each goes to the destination that it resembles most.
    """

    stride: tuple[int, ...] = (2, 2)
    random: bool = True
    penalty: FrequencyPenalty = NO_PENALTY
    remove: Remove = "similar"
    window: int = 0

    def __post_init__(self) -> None:
        check_stride(self.stride)
        check_at_least("window", self.window, 0, "cells around a tile in which destinations are looked for; 0 for all")
        if self.remove not in get_args(Remove):
            raise SpecError(f"remove={self.remove!r} is not known. Allowed: {', '.join(get_args(Remove))}.")

    @property
    def max_ratio(self) -> float:
        """Share of the tokens that are not destinations where cells fill the grid."""
        return 1 - 1 / prod(self.stride)

    def capacity(self, layout: Layout) -> int:
        """Return the number of sources, or 0 where a grid is smaller than one cell."""
        cells = count_cells(layout, self.stride)
        return layout.image - cells if cells else 0

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """Draw a destination per cell; return their positions, ascending, `[D]`, and the places of kept tokens `[K]`.

        Where there is a window, what `best_nearby` takes comes after these.
        """
        drawn = self.draw_together(layout, r, generator, 1)
        return tuple(tensor[0] for tensor in drawn)

    def draw_together(self, layout: Layout, r: int, generator: torch.Generator, count: int) -> Draw:
        """See `DrawsTogether`."""
        cells = cells_of(layout, self.stride).expand(count, -1, -1)
        if self.random:
            drawn = torch.randint(cells.shape[2], (*cells.shape[:2], 1), generator=generator)
            cells = cells.gather(2, drawn)
        (dst, cell), kept = cells[..., 0].sort(stable=True), torch.arange(layout.image - r)  # stable is a third faster
        if not self.window:
            return dst, kept.expand(count, -1)
        tiles, near, places = windows_of(layout, self.stride, self.window)
        kept, tiles, places = (same.expand(count, *same.shape) for same in (kept, tiles, places))
        return dst, kept, tiles, cell.argsort()[:, near], places

    def state_spec(self, shape: tuple[int, int]) -> dict[str, tuple[int, ...]]:
        """Declare the counts of the penalty."""
        return self.penalty.state_spec(shape)

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Pair `r` sources of `features` `[B, N, C]` with their most similar destinations, penalties deducted."""
        dst, places, *windows = draw
        for_src, for_dst = self.penalty.of_sources(memory), self.penalty.of_destinations(memory)
        deducted = None if for_dst is None else for_dst.index_select(1, dst)
        if windows:
            score, follows = best_nearby(features, dst, tuple(windows), similarity, deducted)
        else:
            score, follows = best_among(features, dst, similarity, deducted, exact=for_src is not None)
        if self.remove == "least":
            score = _shortness(features)
        if for_src is not None:
            score = score - for_src if self.remove == "similar" else score * (1 + for_src)
        # Destinations come first, then the r sources to remove, then the other ones.
        order = score.index_fill_(1, dst, torch.inf).argsort(dim=1, descending=True, stable=True)
        kept = torch.cat([order[:, : len(dst)], order[:, len(dst) + r :]], dim=1)
        reduction = Reduction(kept, follows.scatter_(1, kept, places.expand_as(kept)))
        self.penalty.count(reduction, memory)
        return reduction


def _shortness(features: torch.Tensor) -> torch.Tensor:
    """Return minus the length of each token of `features` `[B, S, C]`, `[B, S]`; broken ones count as endless."""
    wide = torch.promote_types(features.dtype, torch.float32)
    length: torch.Tensor = torch.linalg.vector_norm(features, dim=2, dtype=wide)
    return -length.nan_to_num(nan=torch.inf, posinf=torch.inf)
