"""KFF: Yang et al., "K-feature fusion", Expert Systems with Applications, 2025."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tokred import Matcher, Method, Similarity, WeightedReduction
from tokred.interfaces import Draw, Memory
from tokred.parts import Copy, Cosine, Wrapping, take_rows
from tokred_plugins.tome import BipartiteMatcher, PerBlock

EVERY_OTHER = BipartiteMatcher()


@dataclass(frozen=True)
class SimilarityWeighted(Wrapping):
    """Let a removed token count in the average of its group by its similarity to the one that is kept.

    The kept token counts 1; a similarity below 0 counts 0.

    Attributes:
        matcher: makes the pairs; of the index form.
    """

    matcher: Matcher = EVERY_OTHER

    def match(
        self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory
    ) -> WeightedReduction:
        """Pair tokens of `features` `[B, N, C]` by the matcher, and weigh each by its pair's similarity."""
        pairs = self.matcher.match(features, draw, r, similarity, memory)
        both = features, take_rows(features, pairs.follows)
        alike = similarity.scores(*(x.flatten(0, 1).unsqueeze(1) for x in both)).view(features.shape[:2])
        weights = alike.nan_to_num(0.0, 0.0, 0.0).clamp_min(0.0).masked_fill(pairs.is_kept, 1.0)
        return WeightedReduction.of(pairs, weights / pairs.pool_sizes(weights).gather(1, pairs.assign))


def kff(*, r: int = 16, inflect: float = 0.0, each: tuple[int, ...] = (), proportional: bool = True) -> Method:
    """Merge tokens as ToMe does, by the keys and the tokens themselves, in averages weighted by similarity.

    Args:
        r: tokens that are removed in each block, at least 0; at most half of those that are left.
        inflect: how that changes from the first block to the last, in [-1, 1]: 0 not at all; 1 from none to twice as
            many, in equal steps; -1 from twice as many to none.
        each: instead of these two, the number for each block, such as 24+16+8; none in the blocks that are not named.
        proportional: whether attention counts a key as often as its token stands for others.
    """
    return Method(
        name="kff",
        paper="doi:10.1016/j.eswa.2025.128206",
        similarity=Cosine("key+input"),
        matcher=SimilarityWeighted(),
        scheduler=PerBlock(r, inflect, each),
        recovery=Copy(),  # not asked for: removed tokens are gone
        merge="weighted",
        sites=("stream",),
        keys="weighted" if proportional else "kept",
    )
