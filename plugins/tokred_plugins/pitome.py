"""PiToMe: Tran et al., "Accelerating Transformers with Spectrum-Preserving Token Merging", NeurIPS 2024."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn.functional import elu

from tokred import Layout, Method, Phase, Plan, Reduction, Similarity, SiteInfo, SpecError
from tokred.interfaces import Draw, Match, Memory
from tokred.parts import Copy, Cosine, Stateless, best_destinations, in_chunks, take_rows


@dataclass(frozen=True)
class EnergyMatcher(Stateless):
    """Merge among the tokens that resemble the most others; protect those that stand alone.

    A token's energy is the mean over all tokens of `elu(similarity - margin)`. Of the 2 r tokens of greatest energy,
    ranked by it, the first, third and so on are each removed into the most similar of the others.

    Attributes:
        margin: similarity above which a token counts in full, in [-1, 1]; below it less and less.
        alpha: how far a token can count negatively, at least 0.
    """

    margin: float = 0.9
    alpha: float = 1.0
    max_ratio: ClassVar[float] = 0.5

    def __post_init__(self) -> None:
        if not isinstance(self.margin, int | float) or not -1 <= self.margin <= 1:
            raise SpecError(f"margin={self.margin!r} must be in [-1, 1]: a cosine, above which tokens count in full.")
        if not isinstance(self.alpha, int | float) or not 0 <= self.alpha < float("inf"):
            raise SpecError(f"alpha={self.alpha!r} must be a finite number of at least 0.")

    def capacity(self, layout: Layout) -> int:
        """Return half the tokens."""
        return layout.image // 2

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Remove `r` tokens of `features` `[B, N, C]`, among the 2 r of greatest energy."""
        ranked = self.energy(features, similarity).argsort(dim=1, descending=True, stable=True)
        src, dst = ranked[:, : 2 * r : 2], ranked[:, 1 : 2 * r : 2]
        _, place = best_destinations(take_rows(features, src), take_rows(features, dst), similarity)
        return Reduction.from_pairs(features.shape[1], src, dst.gather(1, place))

    def energy(self, features: torch.Tensor, similarity: Similarity) -> torch.Tensor:
        """Return the energy of each token of `features` `[B, N, C]`, `[B, N]`; a few rows at a time."""
        chunks = (similarity.scores(chunk, features) for chunk in in_chunks(features, features))
        known = (scores.nan_to_num(0.0, 0.0, 0.0) for scores in chunks)
        return torch.cat([elu(scores - self.margin, self.alpha).mean(dim=2) for scores in known], dim=1)


@dataclass(frozen=True)
class FallingMargin:
    """Match by energy and remove a share of the tokens in each block, with a margin that falls from block to block.

    Attributes:
        ratio: share of the tokens reaching a block that it removes, in [0, 0.5]; rounded down to whole tokens.
        margin: that of the first block; it falls in equal steps and would be 0 after the last one.
        alpha: see `EnergyMatcher`.
    """

    ratio: float
    margin: float = 0.9
    alpha: float = 1.0
    reuses: ClassVar[bool] = False
    skips: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not isinstance(self.ratio, int | float) or not 0 <= self.ratio <= 0.5:
            raise SpecError(f"ratio={self.ratio!r} must be in [0, 0.5]: a removed token needs another to go into.")
        EnergyMatcher(self.margin, self.alpha)

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan a match by the block's own margin and a reduction at once."""
        removed = int(self.ratio * site.tokens + 1e-9)
        matcher = EnergyMatcher(self.margin * (1 - site.depth / site.blocks), self.alpha)
        return Plan(Phase.MATCH_REDUCE, removed / max(1, site.tokens), matcher=matcher)


def pitome(*, ratio: float = 0.1, margin: float = 0.9, alpha: float = 1.0, proportional: bool = True) -> Method:
    """Merge tokens that resemble many others after each block's attention, protect the rest; fewer and fewer go on.

    Tokens are compared by their keys, the mean over the heads. A merged token is the average of all that it stands for,
    and attention counts its key as often. Class, register and distilled tokens are never merged.

    Args:
        ratio: share of the tokens reaching a block that it removes, in [0, 0.5]; rounded down to whole tokens.
        margin: similarity above which a token counts in full, in the first block; it falls in equal steps towards 0.
        alpha: how far a token can count negatively, at least 0.
        proportional: whether attention counts a merged token as often as it stands for others.
    """
    return Method(
        name="pitome",
        paper="arXiv:2405.16148",
        similarity=Cosine("key"),
        matcher=EnergyMatcher(margin, alpha),
        scheduler=FallingMargin(ratio, margin, alpha),
        recovery=Copy(),  # not asked for: removed tokens are gone
        merge="weighted",
        sites=("stream",),
        keys="weighted" if proportional else "kept",
    )
