"""Token Pooling: Marin et al., "Token Pooling in Vision Transformers for Image Classification", WACV 2023."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from tokred import Layout, Method, Reduction, Similarity, SiteKind, SpecError
from tokred.interfaces import Draw, Memory
from tokred.parts import Copy, Euclidean, Stages, Stateless, all_but, best_destinations, check_at_least, take_rows

Centres = Literal["means", "medoids"]
TOLERANCE = 1e-4
"""Squared distances that differ by no larger share are equal."""


@dataclass(frozen=True)
class ClusterMatcher(Stateless):
    """Cluster tokens by Lloyd's rounds, from seeds at even distances; a cluster goes into the token nearest its mean.

    Each round puts every token into the cluster of the nearest centre, but for the one nearest to the last mean of its
    own cluster: that stays, so that no cluster gets empty.

    Attributes:
        centres: what tokens are compared with: clusters' "means" (k-means), or the token nearest to the mean
            ("medoids"), which by squared distances is the one with the least sum of them to its cluster.
        rounds: how often tokens are assigned to centres, at least 1.
    """

    centres: Centres = "medoids"
    rounds: int = 5
    max_ratio: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if self.centres not in ("means", "medoids"):
            raise SpecError(f"centres={self.centres!r} is not known. Allowed: means, medoids.")
        check_at_least("rounds", self.rounds, 1, "how often tokens are assigned to centres")

    def capacity(self, layout: Layout) -> int:
        """Return N - 1: one cluster has to stay."""
        return layout.image - 1

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """List the seeds `[K]`, at even distances; nothing is random."""
        k = layout.image - r
        return ((2 * torch.arange(k) + 1) * layout.image // (2 * k),)

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Make `N - r` clusters of `features` `[B, N, C]`; a token that is not a number counts as zeros."""
        broken = ~features.isfinite().all(dim=2)
        clean = features.float().masked_fill(broken.unsqueeze(2), 0.0)
        nearest = draw[0].expand(len(features), -1)
        centres = take_rows(clean, nearest)
        for _ in range(self.rounds):
            reduction = _assigned(clean, nearest, centres, similarity)
            means = reduction.merge(clean, "mean")
            far = (clean - reduction.unmerge(means)).square().sum(dim=2).masked_fill(broken, torch.inf)
            members = _nearest_members(reduction, far)
            nearest, order = members.sort(dim=1)
            centres = take_rows(means, order) if self.centres == "means" else take_rows(clean, nearest)
        others = all_but(nearest, features.shape[1])
        return Reduction.from_pairs(features.shape[1], others, members.gather(1, reduction.assign.gather(1, others)))


def _assigned(
    features: torch.Tensor, members: torch.Tensor, centres: torch.Tensor, similarity: Similarity
) -> Reduction:
    """Put each token into the cluster of the most similar of `centres` `[B, K, C]`, whose `members` `[B, K]` stay."""
    others = all_but(members, features.shape[1])
    _, place = best_destinations(take_rows(features, others), centres, similarity)
    return Reduction.from_pairs(features.shape[1], others, members.gather(1, place))


def _nearest_members(reduction: Reduction, far: torch.Tensor) -> torch.Tensor:
    """Return each cluster's token that is the least `far` `[B, N]` from its mean, `[B, K]`.

    The first of equals: in a cluster of two both are as far, and rounding must not decide.
    """
    none = torch.full_like(reduction.kept, far.shape[1])
    least = none.to(far.dtype).fill_(torch.inf).scatter_reduce(1, reduction.assign, far, "amin")
    equal = far <= least.gather(1, reduction.assign) * (1 + TOLERANCE)
    places = torch.arange(far.shape[1], device=far.device).masked_fill(~equal, far.shape[1])
    return none.scatter_reduce(1, reduction.assign, places, "amin")


def token_pooling(
    *,
    ratio: float = 0.3,
    stages: tuple[float, ...] = (0.25, 0.5, 0.75),
    centres: Centres = "medoids",
    rounds: int = 5,
    sites: tuple[SiteKind, ...] = ("stream",),
) -> Method:
    """Cluster tokens by what they hold and go on with one token for each cluster, at a few blocks.

    Args:
        ratio: share of the image tokens that each stage removes, of those that reach it, in [0, 1).
        stages: the blocks that remove tokens, as shares of their number in [0, 1).
        centres: the token of a cluster: its "medoids", as they are, or the "means" of its tokens.
        rounds: how often tokens are assigned to centres, at least 1.
        sites: where tokens are reduced: "stream", for good, between attention and MLP; or "mlp", where each token
            receives a copy of what the MLP makes of its cluster's.
    """
    return Method(
        name="token_pooling",
        paper="WACV 2023, Marin et al.",
        similarity=Euclidean(),
        matcher=ClusterMatcher(centres, rounds),
        scheduler=Stages(ratio, stages),
        recovery=Copy(),
        merge="mean" if centres == "means" else "prune",
        sites=sites,
    )
