"""ToMe: Bolya et al., "Token Merging: Your ViT But Faster", ICLR 2023."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from tokred import Layout, Method, Phase, Plan, Reduction, Similarity, SiteInfo, SpecError
from tokred.interfaces import Draw, Match, Memory
from tokred.parts import Copy, Cosine, Stateless, best_destinations, check_at_least


@dataclass(frozen=True)
class BipartiteMatcher(Stateless):
    """Split the sequence into every other token; remove the r of the first set that resemble one of the second most.

    Bipartite soft matching: the sources are the tokens at even places of the sequence, class and register tokens
    counted, the destinations those at odd places. Of the tokens that are left, the sources stand first, so that the
    next match splits them otherwise.
    """

    max_ratio: ClassVar[float] = 0.5

    def capacity(self, layout: Layout) -> int:
        """Return half the tokens."""
        return layout.image // 2

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """Return the positions of the sources `[S]` and of the destinations `[D]`, ascending; nothing is random."""
        even = layout.prefix % 2
        return torch.arange(even, layout.image, 2), torch.arange(1 - even, layout.image, 2)

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Pair the `r` most similar sources of `features` `[B, N, C]` with their destinations."""
        src, dst = draw
        score, place = best_destinations(features.index_select(1, src), features.index_select(1, dst), similarity)
        chosen = score.argsort(dim=1, descending=True, stable=True)[:, :r]
        pairs = src[chosen], dst[place.gather(1, chosen)]
        return Reduction.from_pairs(features.shape[1], *pairs, order=torch.cat(draw))


@dataclass(frozen=True)
class PerBlock:
    """Remove a number of tokens in each block, in every call, at most half of those that are left.

    Attributes:
        r: tokens that are removed in each block, at least 0.
        inflect: how that changes from the first block to the last, in [-1, 1]: 0 not at all; 1 from none to twice as
            many, in equal steps; -1 from twice as many to none.
        each: instead of these two, the number for each block; none in the blocks that are not named.
    """

    r: int = 16
    inflect: float = 0.0
    each: tuple[int, ...] = ()
    reuses: ClassVar[bool] = False
    skips: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name, r in (("r", self.r), *(("each", r) for r in self.each)):
            check_at_least(name, r, 0, "the number of tokens that a block removes")
        if not isinstance(self.inflect, int | float) or not -1 <= self.inflect <= 1:
            raise SpecError(
                f"inflect={self.inflect!r} must be in [-1, 1]: 0 removes as many in each block, 1 more and more, -1 "
                "less and less."
            )

    @property
    def ratio(self) -> float:
        """Half, which a block of few tokens removes; 0 where none ever does."""
        return 0.5 if any(self.each or (self.r,)) else 0.0

    def removed(self, depth: int, blocks: int) -> int:
        """Return how many tokens a block should remove."""
        if self.each:
            return self.each[depth] if depth < len(self.each) else 0
        first = int(self.r * (1 - self.inflect))
        step = (2 * self.r - 2 * first) / (blocks - 1) if blocks > 1 else 0.0
        return int(first + step * depth)

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan a match and a reduction, of no more than half the tokens that reach the block."""
        r = min(self.removed(site.depth, site.blocks), site.tokens // 2)
        return Plan(Phase.MATCH_REDUCE, r / max(1, site.tokens))


def tome(
    *, r: int = 16, inflect: float = 0.0, each: tuple[int, ...] = (), weighted: bool = True, proportional: bool = True
) -> Method:
    """Merge the most similar tokens after each block's attention, so that fewer and fewer go on.

    Tokens are compared by their keys, the mean over the heads. A merged token is the average of all that it stands for,
    and attention counts its key as often. Class, register and distilled tokens are never merged.

    Args:
        r: tokens that are removed in each block, at least 0; at most half of those that are left.
        inflect: how that changes from the first block to the last, in [-1, 1]: 0 not at all; 1 from none to twice as
            many, in equal steps; -1 from twice as many to none.
        each: instead of these two, the number for each block, such as 24+16+8; none in the blocks that are not named.
        weighted: whether averages count a token as often as it stands for others.
        proportional: whether attention does; the authors leave it out for models that were trained by masking (MAE).
    """
    return Method(
        name="tome",
        paper="arXiv:2210.09461",
        similarity=Cosine("key"),
        matcher=BipartiteMatcher(),
        scheduler=PerBlock(r, inflect, each),
        recovery=Copy(),  # not asked for: removed tokens are gone
        merge="weighted" if weighted else "mean",
        sites=("stream",),
        keys="weighted" if proportional else "kept",
    )
