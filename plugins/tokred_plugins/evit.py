"""EViT: Liang et al., "Not All Patches Are What You Need", ICLR 2022."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from tokred import Layout, Method, Reduction, Similarity, SiteKind, WeightedReduction
from tokred.interfaces import Draw, Memory
from tokred.parts import Copy, Cosine, Stages, Stateless


@dataclass(frozen=True)
class AttentiveMatcher(Stateless):
    """Keep the tokens that the class token attends to most, and fuse all others into one.

    That one is the sum of all that are fused, each times its attention; it stands in the place of the most attended
    of them, and counts as kept.
    """

    max_ratio: ClassVar[float] = 1.0

    def capacity(self, layout: Layout) -> int:
        """Return N - 1: the fused token stays."""
        return layout.image - 1

    def match(
        self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory
    ) -> WeightedReduction:
        """Fuse the `r + 1` tokens that are attended to least, by the mean of their `features` `[B, N, C]`."""
        attention = features.float().mean(dim=2)
        order = attention.nan_to_num(nan=-torch.inf).argsort(dim=1, descending=True, stable=True)
        fused, dropped = order[:, -r - 1 :], order[:, -r:]
        reduction = Reduction.from_pairs(features.shape[1], dropped, fused[:, :1].expand_as(dropped))
        weights = attention.nan_to_num(0.0, 0.0, 0.0).gather(1, fused)
        return WeightedReduction.of(reduction, torch.ones_like(attention).scatter(1, fused, weights))


def evit(
    *,
    ratio: float = 0.3,
    stages: tuple[float, ...] = (0.25, 0.5, 0.75),
    fuse: bool = True,
    sites: tuple[SiteKind, ...] = ("stream",),
) -> Method:
    """Keep what the class token attends to and fuse the rest into one token, at a few blocks.

    Args:
        ratio: share of the image tokens that each stage removes, of those that reach it, in [0, 1); the fused token
            is not counted as removed.
        stages: the blocks that remove tokens, as shares of their number in [0, 1).
        fuse: whether the others are fused into one token; else they are dropped.
        sites: where tokens are reduced: "stream", for good, between attention and MLP; or "mlp", where each removed
            token receives a copy of what the MLP makes of the fused one.
    """
    return Method(
        name="evit",
        paper="ICLR 2022, Liang et al.",
        similarity=Cosine("class_attention"),  # no pairs are compared
        matcher=AttentiveMatcher(),
        scheduler=Stages(ratio, stages),
        recovery=Copy(),
        merge="mean" if fuse else "prune",
        sites=sites,
    )
