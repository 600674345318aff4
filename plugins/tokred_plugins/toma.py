"""ToMA: Lu et al., ICML 2025, arXiv:2509.10918."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

import torch

from tokred import Layout, LinearReduction, Method, Phase, Plan, Similarity, SiteInfo, SiteKind, SpecError
from tokred.interfaces import DENSE, Draw, Match, Memory
from tokred.parts import Copy, Cosine, Stateless, cells_of, check_at_least, check_ratio, check_stride, count_cells

Unmerge = Literal["transpose", "pinv"]


@dataclass(frozen=True)
class FacilityMatcher(Stateless):
    """Choose in each tile the destinations that represent it best; every token gives to them by soft weights.

    Where the tiles cannot all lose as many tokens, the first ones lose one more.

    Attributes:
        tile: height and width of a tile at most, in tokens, within a frame of a video; or frames before them. Where the
            grid is not a multiple of it, the greatest divisors of each below it.
        scale: sharpness of the weights, above 0: they are a softmax of `scale` times the similarity.
        unmerge: "transpose" mixes destinations by the weights that tokens gave them; "pinv" is the pseudo-inverse of
            the merge.
    """

    tile: tuple[int, ...] = (4, 4)
    scale: float = 1000.0
    unmerge: Unmerge = "transpose"

    def __post_init__(self) -> None:
        check_stride(self.tile, "tile")
        if not isinstance(self.scale, int | float) or not 0 < self.scale < float("inf"):
            raise SpecError(f"scale={self.scale!r} must be a finite number above 0: the sharpness of the weights.")
        if self.unmerge not in ("transpose", "pinv"):
            raise SpecError(f"unmerge={self.unmerge!r} is not known. Allowed: transpose, pinv.")

    @property
    def max_ratio(self) -> float:
        """Share of the tokens that are not destinations where each tile has one."""
        return 1 - 1 / prod(self.tile)

    def capacity(self, layout: Layout) -> int:
        """Return the number of tokens that are not destinations where each tile has one."""
        return layout.image - count_cells(layout, self._fitting(layout))

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """List the tiles `[T, n]`; nothing is random."""
        return (cells_of(layout, self._fitting(layout)),)

    def match(
        self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory
    ) -> LinearReduction:
        """Choose destinations among `features` `[B, N, C]`, and weigh every token of their tiles."""
        (tiles,) = draw
        count, n = tiles.shape
        tiled = features.index_select(1, tiles.flatten()).reshape(-1, n, features.shape[2])
        scores = similarity.scores(tiled, tiled).nan_to_num(nan=-1.0).view(len(features), count, n, n)
        dst, short = facility_location(scores, n - r // count), r % count
        logits = self.scale * _rows(scores, dst)
        logits[:, :short, -1] = -torch.inf
        weights = logits.softmax(dim=2)  # what each token gives adds up to 1
        down = weights / weights.sum(dim=3, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)
        up = weights.transpose(2, 3) if self.unmerge == "transpose" else torch.linalg.pinv(down)
        return LinearReduction.from_weights(tiles, dst, down, up, short)

    def _fitting(self, layout: Layout) -> tuple[int, ...]:
        """Return the greatest tile up to `tile` that divides every picture."""
        lengths = zip(*((1, *grid)[-3:] for grid in layout.grids), strict=True)
        sides = list(zip((1, *self.tile)[-3:], lengths, strict=True))[-len(self.tile) :]
        return tuple(next(d for d in range(most, 0, -1) if not any(n % d for n in side)) for most, side in sides)


def facility_location(scores: torch.Tensor, k: int) -> torch.Tensor:
    """Choose greedily the k tokens whose greatest similarities to all n tokens add up to most.

    Args:
        scores: similarities within each tile, `[B, T, n, n]`.
        k: number of tokens to choose in each tile.

    Returns:
        Places within the tile `[B, T, k]`, in the order of choice; the first of equals.
    """
    chosen = [scores.sum(dim=3).argmax(dim=2, keepdim=True)]
    covered = _rows(scores, chosen[0])
    taken = torch.zeros(scores.shape[:3], dtype=torch.bool, device=scores.device).scatter(2, chosen[0], True)
    for _ in range(k - 1):
        gain = (scores - covered).relu().sum(dim=3).masked_fill(taken, -1.0)
        chosen.append(gain.argmax(dim=2, keepdim=True))
        covered = torch.maximum(covered, _rows(scores, chosen[-1]))
        taken = taken.scatter(2, chosen[-1], True)
    return torch.cat(chosen, dim=2)


def _rows(scores: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Pick rows `index` `[B, T, k]` of `scores` `[B, T, n, n]`: `[B, T, k, n]`."""
    return scores.gather(2, index.unsqueeze(3).expand(-1, -1, -1, scores.shape[3]))


@dataclass(frozen=True)
class EveryNth:
    """Merge at every n-th step and leave the others dense; reuse weights at some of the merging steps.

    Attributes:
        ratio: share of the image tokens that is removed, in [0, 1).
        every: number of steps from one merging step to the next, at least 1; step 0 merges.
        reuse: number of merging steps that one match serves, at least 1.
    """

    ratio: float
    every: int = 1
    reuse: int = 1
    skips: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_ratio(self.ratio)
        check_at_least("every", self.every, 1, "the number of steps from one merging step to the next")
        check_at_least("reuse", self.reuse, 1, "the number of merging steps that one match serves")

    @property
    def reuses(self) -> bool:
        """Whether the step matters."""
        return self.every > 1 or self.reuse > 1

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan a dense step or a reduction, with a match where it is due."""
        if step % self.every:
            return DENSE
        return Plan(Phase.REDUCE if step // self.every % self.reuse else Phase.MATCH_REDUCE, self.ratio)


def toma(
    *,
    ratio: float = 0.5,
    tile: tuple[int, ...] = (4, 4),
    scale: float = 1000.0,
    unmerge: Unmerge = "transpose",
    every: int = 1,
    reuse: int = 1,
    share: int = 100,
    sites: tuple[SiteKind, ...] = ("attn",),
) -> Method:
    """Merge each tile into its most representative tokens by an attention-like matrix, and back by its transpose.

    Args:
        ratio: share of the image tokens that is removed, in [0, 1 - 1 / (tokens of a tile)].
        tile: height and width of a tile at most, in tokens; or frames before them.
        scale: sharpness of the weights, above 0.
        unmerge: "transpose" or "pinv", the pseudo-inverse.
        every: number of steps from one merging step to the next, at least 1; the others are dense.
        reuse: number of merging steps that one match serves, at least 1.
        share: number of neighbouring blocks of one type that share one match, made by the first of them; as published,
            all of them do. 0 for a match per site.
        sites: where tokens are reduced.
    """
    return Method(
        name="toma",
        paper="arXiv:2509.10918",
        similarity=Cosine("input"),
        matcher=FacilityMatcher(tile, scale, unmerge),
        scheduler=EveryNth(ratio, every, reuse),
        recovery=Copy(),
        merge="mean",
        sites=sites,
        share=share,
    )
