"""DiffRate: Chen et al., "Differentiable Compression Rate for Efficient Vision Transformers", ICCV 2023."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from tokred import Layout, Method, Phase, Plan, Reduction, Similarity, SiteInfo, SpecError, WeightedReduction
from tokred.interfaces import Draw, Match, Memory
from tokred.parts import Copy, Cosine, Stateless, best_destinations, check_numbers, take_rows


@dataclass(frozen=True)
class ImportanceMatcher(Stateless):
    """Remove the least important tokens: prune the last of them, merge the others into the most similar that is kept.

    Of a token's features the first is its importance, the others are what is compared. A pruned token follows the most
    similar one too, and counts nothing in it.

    Attributes:
        pruned: share of the removed tokens that is pruned, in [0, 1]; rounded to whole tokens.
    """

    pruned: float = 0.5
    max_ratio: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.pruned, int | float) or not 0 <= self.pruned <= 1:
            raise SpecError(f"pruned={self.pruned!r} must be in [0, 1]: the share of removed tokens not merged.")

    def capacity(self, layout: Layout) -> int:
        """Return N - 1: one token has to stay."""
        return layout.image - 1

    def match(
        self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory
    ) -> WeightedReduction:
        """Remove the `r` least important tokens of `features` `[B, N, 1 + C]`."""
        importance, compared = features[..., 0].float(), features[..., 1:]
        order = importance.nan_to_num(nan=-torch.inf).argsort(dim=1, descending=True, stable=True)
        kept, removed = order[:, :-r], order[:, -r:]
        _, place = best_destinations(take_rows(compared, removed), take_rows(compared, kept), similarity)
        pairs = Reduction.from_pairs(features.shape[1], removed, kept.gather(1, place))
        counts = torch.ones_like(importance).scatter(1, removed[:, r - round(self.pruned * r) :], 0.0)
        return WeightedReduction.of(pairs, counts / pairs.pool_sizes(counts).gather(1, pairs.assign))


@dataclass(frozen=True)
class Rates:
    """Rank tokens by importance in every call, and keep a share of them in each block.

    Attributes:
        after_prune: share of the tokens reaching a block that is left when the least important are pruned, in (0, 1];
            one for all blocks, or one for each. Rounded up to whole tokens.
        after_merge: share of the same tokens that is left when the next ones are merged, at most `after_prune`.
    """

    after_prune: tuple[float, ...]
    after_merge: tuple[float, ...]
    reuses: ClassVar[bool] = False
    skips: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name, shares in (("after_prune", self.after_prune), ("after_merge", self.after_merge)):
            check_numbers(name, shares)
            if not all(0 < share <= 1 for share in shares):
                raise SpecError(
                    f"{name}={shares!r} must be shares in (0, 1], for all blocks or for each: of its tokens."
                )
        if len(self.after_prune) != len(self.after_merge):
            raise SpecError(
                f"after_prune={self.after_prune!r} and after_merge={self.after_merge!r} must be of one length: two "
                "shares for each block, or two for all."
            )
        if any(merged > pruned for pruned, merged in zip(self.after_prune, self.after_merge, strict=True)):
            raise SpecError(
                f"after_merge={self.after_merge!r} must be at most after_prune={self.after_prune!r} in every block: "
                "both are shares of the tokens that reach it."
            )

    @property
    def ratio(self) -> float:
        """What the block removes that keeps the smallest share."""
        return 1 - min(self.after_merge)

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan a match and a reduction at once, by the block's own shares."""
        if len(self.after_prune) not in (1, site.blocks):
            raise SpecError(
                f"after_prune and after_merge have {len(self.after_prune)} shares, and the model has {site.blocks} "
                "blocks. Give one share for each block, or one for all."
            )
        block = site.depth if len(self.after_prune) > 1 else 0
        gone, pruned = (
            site.tokens - math.ceil(shares[block] * site.tokens - 1e-9)
            for shares in (self.after_merge, self.after_prune)
        )
        matcher = ImportanceMatcher(pruned / max(1, gone))
        return Plan(Phase.MATCH_REDUCE, gone / max(1, site.tokens), matcher=matcher)


def diffrate(*, after_prune: tuple[float, ...] = (0.96,), after_merge: tuple[float, ...] = (0.92,)) -> Method:
    """Prune the tokens that the class token attends to least, merge the next ones into similar ones, block by block.

    Tokens are ranked by the class token's attention after each block's attention, and compared by their keys, the mean
    over the heads. A token that others are merged into becomes the average of them and itself.

    Args:
        after_prune: share of the image tokens reaching a block that is left when the least attended are pruned, in
            (0, 1]; one for all blocks or one for each, such as 1+0.9+0.8. Rounded up to whole tokens.
        after_merge: share of the same tokens that is left when the next ones are merged, at most `after_prune`.
    """
    return Method(
        name="diffrate",
        paper="arXiv:2305.17997",
        similarity=Cosine("class_attention+key"),
        matcher=ImportanceMatcher(),
        scheduler=Rates(after_prune, after_merge),
        recovery=Copy(),  # not asked for: removed tokens are gone
        merge="mean",
        sites=("stream",),
    )
