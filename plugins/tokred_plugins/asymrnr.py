"""AsymRnR: Sun et al., "Asymmetric Reduction and Restoration", ICML 2025."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from tokred import Method, Phase, Plan, Similarity, SiteInfo, SpecError
from tokred.interfaces import Match
from tokred.parts import Copy, Cosine, Euclidean, GridMatcher, OfSignal, RandomMatcher, check_at_least, check_ratio

Measure = Literal["euclidean", "dot", "cosine", "random"]


class Dot(OfSignal):
    """Scalar product of two tokens."""

    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        """Compare sources `[B, S, C]` with destinations `[B, D, C]`: `[B, S, D]`, float32."""
        return src.float() @ dst.float().transpose(1, 2)


@dataclass(frozen=True)
class Apart:
    """Reduce attentions, and their keys, by ratios of their own in every call; match at one step in so many.

    Attributes:
        queries: share of the image tokens whose queries are removed, in [0, 1). Several give that of equal parts of the
            blocks, the first blocks first.
        keys: the same for keys and values, at "kv" sites.
        reuse: number of steps that one match serves, at least 1.
    """

    queries: tuple[float, ...]
    keys: tuple[float, ...]
    reuse: int = 5
    skips: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name, ratios in (("queries", self.queries), ("keys", self.keys)):
            if not isinstance(ratios, tuple) or not ratios:
                raise SpecError(f"{name}={ratios!r} must be a tuple of ratios, for equal parts of the blocks: (0.5,).")
            for ratio in ratios:
                check_ratio(ratio)
        check_at_least("reuse", self.reuse, 1, "the number of steps that one match serves")

    @property
    def ratio(self) -> float:
        """The largest of all."""
        return max(self.queries + self.keys)

    @property
    def reuses(self) -> bool:
        """Whether the step matters."""
        return self.reuse > 1

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan a reduction, with a match where it is due."""
        ratios = self.keys if site.kind == "kv" else self.queries
        ratio = ratios[site.depth * len(ratios) // site.blocks]
        return Plan(Phase.REDUCE if step % self.reuse else Phase.MATCH_REDUCE, ratio)


def asymrnr(
    *,
    queries: tuple[float, ...] = (0.5,),
    keys: tuple[float, ...] = (0.3,),
    reuse: int = 5,
    measure: Measure = "euclidean",
    stride: tuple[int, ...] = (2, 2),
    seed: int = 0,
) -> Method:
    """Drop queries that are close to another and copy its output; drop keys and values by pairs of their own.

    Queries are compared with queries, values with values; the correspondences of values hold for keys too.

    Args:
        queries: share of the image tokens whose queries are removed, in [0, 1 - 1 / (sy * sx)]. Several give that of
            equal parts of the blocks, the first blocks first; 0 leaves them whole.
        keys: the same for keys and values.
        reuse: number of steps that one match serves, at least 1.
        measure: "euclidean", the negative squared distance; "dot", "cosine"; or "random" pairs, which compare nothing.
        stride: height and width of the cells that hold one destination each, in tokens; or frames before them.
        seed: of the draws.
    """
    measures: dict[str, Similarity] = {
        "euclidean": Euclidean("projection"),
        "dot": Dot("projection"),
        "cosine": Cosine("projection"),
        "random": Cosine("input"),  # not asked for
    }
    if measure not in measures:
        raise SpecError(f"measure={measure!r} is not known. Allowed: {', '.join(measures)}.")
    return Method(
        name="asymrnr",
        paper="ICML 2025, Sun et al.",
        similarity=measures[measure],
        matcher=RandomMatcher() if measure == "random" else GridMatcher(stride),
        scheduler=Apart(queries, keys, reuse),
        recovery=Copy(),
        sites=("attn", "kv"),
        keys="full",
        seed=seed,
    )
