"""RAS: Liu et al., "Region-Adaptive Sampling for Diffusion Transformers", 2025, arXiv:2502.10389."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch

from tokred import Layout, Method, Phase, Plan, Reduction, Similarity, SiteInfo, SpecError
from tokred.interfaces import DENSE, Draw, Match, Memory
from tokred.parts import Cached, Cosine, all_but, check_at_least, check_ratio

Skip = Literal["highest", "lowest"]
SKIPPED = "skipped"
"""The matcher's memory: how often each token was skipped in this generation."""


@dataclass(frozen=True)
class RegionMatcher:
    """Remove the r tokens of the highest features, or the lowest; their destination means nothing.

    A token of features that are not numbers is removed first.

    Attributes:
        skip: "highest" removes the tokens of the highest mean of their features, "lowest" those of the lowest.
        starvation: weight s of how often a token was removed: its mean counts exp(s * times) as much.
    """

    skip: Skip = "highest"
    starvation: float = 0.1
    max_ratio: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if self.skip not in get_args(Skip):
            raise SpecError(f"skip={self.skip!r} is not known. Allowed: {', '.join(get_args(Skip))}.")
        if not isinstance(self.starvation, int | float) or not math.isfinite(self.starvation):
            raise SpecError(
                f"starvation={self.starvation!r} must be a finite number; 0 does not count what was skipped."
            )

    def capacity(self, layout: Layout) -> int:
        """Return N - 1: one token has to stay."""
        return layout.image - 1

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """Draw nothing."""
        return ()

    def state_spec(self, shape: tuple[int, int]) -> dict[str, tuple[int, ...]]:
        """Declare the counts `[B, N]`."""
        return {SKIPPED: shape}

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Remove `r` tokens of `features` `[B, N, C]` by their mean."""
        varies = features.float().mean(dim=2) * (self.starvation * memory[SKIPPED]).exp()
        score = (varies if self.skip == "highest" else -varies).nan_to_num(torch.inf, torch.inf)
        src = score.argsort(dim=1, descending=True, stable=True)[:, :r]
        memory[SKIPPED].scatter_add_(1, src, torch.ones_like(src, dtype=torch.float32))
        first = all_but(src, features.shape[1])[:, :1]
        return Reduction.from_pairs(features.shape[1], src, first.expand(-1, r))


@dataclass(frozen=True)
class Resets:
    """Match and reduce at every step but the first ones and some resets, which are dense.

    Attributes:
        ratio: share of the image tokens that is removed, in [0, 1).
        dense_first: number of steps at the start that are dense, at least 1.
        resets: the other dense steps, as shares of the generation in [0, 1).
    """

    ratio: float
    dense_first: int = 4
    resets: tuple[float, ...] = (12 / 28, 22 / 28)
    reuses: ClassVar[bool] = True
    skips: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_ratio(self.ratio)
        check_at_least("dense_first", self.dense_first, 1, "the number of dense steps at the start")
        if not isinstance(self.resets, tuple) or not all(0 <= share < 1 for share in self.resets):
            raise SpecError(f"resets={self.resets!r} must be a tuple of shares of the generation in [0, 1).")

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan a dense step or a match and reduction in one, the same for every site."""
        if step < self.dense_first or step in {int(share * steps + 1e-9) for share in self.resets}:
            return DENSE
        return Plan(Phase.MATCH_REDUCE, self.ratio)


def ras(
    *,
    ratio: float = 0.5,
    dense_first: int = 4,
    resets: tuple[float, ...] = (12 / 28, 22 / 28),
    skip: Skip = "highest",
    starvation: float = 0.1,
) -> Method:
    """Skip for a step, throughout the model, the tokens whose output varied most over its channels at the last step.

    The model's output of a skipped token is the one that was computed for it last. The others attend to the keys and
    values of all tokens, those of skipped ones as they were computed last.

    Args:
        ratio: share of the image tokens that is skipped, in [0, 1).
        dense_first: number of steps at the start that are dense, at least 1.
        resets: the other dense steps, as shares of the generation in [0, 1); steps 12 and 22 of 28, as published.
        skip: "highest", or "lowest" for the tokens whose output varied least.
        starvation: weight of how often a token was skipped, in the exponent; below 0 it spares with "highest" what was
            skipped often, and above 0 with "lowest".
    """
    return Method(
        name="ras",
        paper="arXiv:2502.10389",
        similarity=Cosine("model_spread"),  # no pairs are scored: its signal is what the matcher sees
        matcher=RegionMatcher(skip, starvation),
        scheduler=Resets(ratio, dense_first, resets),
        recovery=Cached(update=True),
        sites=("attn", "mlp", "model"),
        keys="recovered",
    )
