"""SiTo: Zhang et al., AAAI 2025."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

import torch

from tokred import Layout, Method, Reduction, Similarity, SiteKind, SpecError
from tokred.interfaces import Draw, Memory
from tokred.parts import (
    Copy,
    Cosine,
    EveryStep,
    Stateless,
    all_but,
    best_destinations,
    cells_of,
    check_stride,
    closest_pairs,
    count_cells,
    in_chunks,
    take_rows,
)

RecoverFrom = Literal["kept", "base"]


@dataclass(frozen=True)
class BaseMatcher(Stateless):
    """Keep in each cell the token that resembles all others most, its base; prune the r others closest to a base.

    The bases are each sample's own. Rows and columns beyond the last whole cell hold no bases.

    Attributes:
        stride: height and width `(sy, sx)` of a cell, in tokens; or frames before them, `(sf, sy, sx)`.
        noise: weight of the noise in the choice of bases, at least 0; the score beside it is a sum of N similarities.
        recover: whom a pruned token follows: "kept", the most similar of all kept tokens, or "base", of the bases.
    """

    stride: tuple[int, ...] = (2, 2)
    noise: float = 0.1
    recover: RecoverFrom = "kept"

    def __post_init__(self) -> None:
        check_stride(self.stride)
        if not isinstance(self.noise, int | float) or not 0 <= self.noise < float("inf"):
            raise SpecError(f"noise={self.noise!r} must be a finite number of at least 0; 0 means no noise.")
        if self.recover not in ("kept", "base"):
            raise SpecError(f"recover={self.recover!r} is not known. Allowed: kept, base.")

    @property
    def max_ratio(self) -> float:
        """Share of the tokens that are not bases where cells fill the grid."""
        return 1 - 1 / prod(self.stride)

    def capacity(self, layout: Layout) -> int:
        """Return the number of tokens that are not bases, or 0 where a grid is smaller than one cell."""
        cells = count_cells(layout, self.stride)
        return layout.image - cells if cells else 0

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """Draw the noise `[N]`, which all samples share, beside the cells `[D, sy * sx]`."""
        return cells_of(layout, self.stride), torch.randn(layout.image, generator=generator)

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Choose the bases of `features` `[B, N, C]`, prune `r` other tokens, and say whom each follows."""
        cells, noise = draw
        score = _similarity_to_all(features, similarity) + self.noise * noise
        in_cells = cells.expand(len(features), -1, -1)
        best = score[:, cells].argmax(dim=2, keepdim=True)
        bases = in_cells.gather(2, best).squeeze(2).sort(dim=1).values
        pruned, follows = closest_pairs(features, bases, r, similarity)
        if self.recover == "kept":
            kept = all_but(pruned, features.shape[1])
            _, place = best_destinations(take_rows(features, pruned), take_rows(features, kept), similarity)
            follows = kept.gather(1, place)
        return Reduction.from_pairs(features.shape[1], pruned, follows)


def _similarity_to_all(features: torch.Tensor, similarity: Similarity) -> torch.Tensor:
    """Sum each token's similarities to all tokens of `features` `[B, N, C]`, a few rows at a time: `[B, N]`."""
    scores = (similarity.scores(chunk, features) for chunk in in_chunks(features, features))
    return torch.cat([score.nan_to_num(0.0, 0.0, 0.0).sum(dim=2) for score in scores], dim=1)


def sito(
    *,
    ratio: float = 0.5,
    stride: tuple[int, ...] = (2, 2),
    noise: float = 0.1,
    recover: RecoverFrom = "kept",
    sites: tuple[SiteKind, ...] = ("attn",),
    seed: int = 0,
) -> Method:
    """Prune tokens close to the most typical token of a cell, before attention, in every call; averages nothing.

    Args:
        ratio: share of the image tokens that is removed, in [0, 1 - 1 / (sy * sx)].
        stride: height and width of the cells that hold one base each, in tokens; or frames before them.
        noise: weight of the noise in the choice of bases, at least 0.
        recover: whose output a pruned token copies: that of the most similar "kept" token, bases among them, as the
            public code does, or of the most similar "base", as the paper says.
        sites: where tokens are reduced.
        seed: of the noise.
    """
    return Method(
        name="sito",
        paper="AAAI 2025, Zhang et al.",
        similarity=Cosine("block_input"),
        matcher=BaseMatcher(stride, noise, recover),
        scheduler=EveryStep(ratio),
        recovery=Copy(),
        sites=sites,
        seed=seed,
    )
