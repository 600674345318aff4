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
from tokred.parts.frequency import NO_PENALTY, FrequencyPenalty
from tokred.parts.pairing import best_destinations
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
        remove: which r tokens go: "similar", those that resemble a destination most; "least", those whose features are
            shortest, a length counting `1 + penalty` times: with signal="error" the tokens stay whose forecasts err
            most. Either way each goes to the destination that it resembles most.
    """

    stride: tuple[int, ...] = (2, 2)
    random: bool = True
    penalty: FrequencyPenalty = NO_PENALTY
    remove: Remove = "similar"

    def __post_init__(self) -> None:
        check_stride(self.stride)
        if self.remove not in get_args(Remove):
            raise SpecError(f"remove={self.remove!r} is not known. Allowed: {', '.join(get_args(Remove))}.")

    @property
    def max_ratio(self) -> float:
        """Share of the tokens that are no destinations where cells fill the grid."""
        return 1 - 1 / prod(self.stride)

    def capacity(self, layout: Layout) -> int:
        """Return the number of sources, or 0 where a grid is smaller than one cell."""
        cells = count_cells(layout, self.stride)
        return layout.image - cells if cells else 0

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """Draw a destination per cell; return the positions of sources `[S]` and destinations `[D]`, ascending."""
        cells = cells_of(layout, self.stride)
        drawn = (
            torch.randint(cells.shape[1], (len(cells), 1), generator=generator)
            if self.random
            else cells.new_zeros(1, 1)
        )
        is_dst = torch.zeros(layout.image, dtype=torch.bool)
        is_dst[cells.gather(1, drawn.expand(len(cells), 1))] = True
        return (~is_dst).nonzero()[:, 0], is_dst.nonzero()[:, 0]

    def state_spec(self, shape: tuple[int, int]) -> dict[str, tuple[int, ...]]:
        """Declare the counts of the penalty."""
        return self.penalty.state_spec(shape)

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Pair `r` sources of `features` `[B, N, C]` with their most similar destinations, penalties deducted."""
        src, dst = draw
        for_src, for_dst = self.penalty.of_sources(memory), self.penalty.of_destinations(memory)
        sources = features.index_select(1, src)
        score, place = best_destinations(
            sources,
            features.index_select(1, dst),
            similarity,
            None if for_dst is None else for_dst.index_select(1, dst),
        )
        loss = 0.0 if for_src is None else for_src.index_select(1, src)
        score = score - loss if self.remove == "similar" else _shortness(sources) * (1 + loss)
        chosen = score.argsort(dim=1, descending=True, stable=True)[:, :r]
        reduction = Reduction.from_pairs(features.shape[1], src[chosen], dst[place.gather(1, chosen)])
        self.penalty.count(reduction, memory)
        return reduction


def _shortness(features: torch.Tensor) -> torch.Tensor:
    """Return minus the length of each token of `features` `[B, S, C]`, `[B, S]`; broken ones count as endless."""
    wide = torch.promote_types(features.dtype, torch.float32)
    length: torch.Tensor = torch.linalg.vector_norm(features, dim=2, dtype=wide)
    return -length.nan_to_num(nan=torch.inf, posinf=torch.inf)
