"""ATC: Haurum et al., "Agglomerative Token Clustering", ECCV 2024."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from tokred import Layout, Method, Reduction, Similarity, SiteKind, SpecError
from tokred.interfaces import Draw, Memory
from tokred.parts import Copy, Cosine, Stages, Stateless

Linkage = Literal["single", "complete", "average"]
MOST = 4096
"""Tokens that can be clustered: the distances of all pairs take 64 MB per sample, and each join goes through them."""
BROKEN = 1e4
"""The distance of a token that is not a number: more than any cosine distance."""


@dataclass(frozen=True)
class AgglomerativeMatcher(Stateless):
    """Join the two closest clusters of tokens, r times; a cluster goes into its first token.

    The distances between clusters are kept up to date by the rule of Lance and Williams.

    Attributes:
        linkage: the distance between clusters: that of their closest tokens ("single"), of their farthest ones
            ("complete"), or the mean over all pairs ("average").
    """

    linkage: Linkage = "average"
    max_ratio: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if self.linkage not in ("single", "complete", "average"):
            raise SpecError(f"linkage={self.linkage!r} is not known. Allowed: single, complete, average.")

    def capacity(self, layout: Layout) -> int:
        """Return N - 1, one cluster has to stay; 0 where there are more than 4,096 tokens."""
        return layout.image - 1 if layout.image <= MOST else 0

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Join the tokens of `features` `[B, N, C]` `r` times."""
        tokens, place = features.shape[1], torch.arange(features.shape[1], device=features.device)
        far = (1 - similarity.scores(features, features)).nan_to_num(BROKEN, BROKEN, BROKEN)
        far = torch.minimum(far, far.transpose(1, 2)).masked_fill(place == place[:, None], torch.inf)
        cluster, sizes = place.repeat(len(far), 1), far.new_ones(len(far), tokens)
        each = torch.arange(len(far), device=far.device)
        for _ in range(r):
            closest = far.flatten(1).argmin(dim=1)
            stays, goes = closest // tokens, closest % tokens  # the first of equals, so stays < goes
            joined = self._join(far[each, stays], far[each, goes], sizes[each, stays], sizes[each, goes])
            joined[each, stays] = torch.inf
            far[each, stays] = far[each, :, stays] = joined
            far[each, goes] = far[each, :, goes] = torch.inf
            sizes[each, stays] += sizes[each, goes]
            cluster = torch.where(cluster == goes[:, None], stays[:, None], cluster)
        src = (cluster != place).int().argsort(dim=1, descending=True, stable=True)[:, :r]
        return Reduction.from_pairs(tokens, src, cluster.gather(1, src))

    def _join(self, a: torch.Tensor, b: torch.Tensor, of_a: torch.Tensor, of_b: torch.Tensor) -> torch.Tensor:
        """Return a joined cluster's distances `[B, N]` from those of its halves, and these' sizes `[B]`."""
        if self.linkage == "single":
            return torch.minimum(a, b)
        if self.linkage == "complete":
            return torch.maximum(a, b)
        return (a * of_a[:, None] + b * of_b[:, None]) / (of_a + of_b)[:, None]


def atc(
    *,
    ratio: float = 0.3,
    stages: tuple[float, ...] = (0.25, 0.5, 0.75),
    linkage: Linkage = "average",
    sites: tuple[SiteKind, ...] = ("stream",),
) -> Method:
    """Cluster tokens bottom-up by their keys and go on with the clusters' means, at a few blocks.

    Args:
        ratio: share of the image tokens that each stage removes, of those that reach it, in [0, 1).
        stages: the blocks that remove tokens, as shares of their number in [0, 1).
        linkage: the distance between clusters: "single", "complete" or "average".
        sites: where tokens are reduced: "stream", for good, between attention and MLP, where clusters count in later
            attentions by their size; or "mlp", where each token receives a copy of what the MLP makes of its cluster.
    """
    return Method(
        name="atc",
        paper="ECCV 2024, Haurum et al.",
        similarity=Cosine("key"),
        matcher=AgglomerativeMatcher(linkage),
        scheduler=Stages(ratio, stages),
        recovery=Copy(),
        merge="weighted",
        sites=sites,
        keys="weighted" if sites == ("stream",) else "kept",
    )
