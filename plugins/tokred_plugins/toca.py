"""ToCa: Zou et al., "Token-wise Feature Caching", ICLR 2025; scored without attention maps, as in their DuCa."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from tokred import Layout, Method, Phase, Plan, Reduction, Similarity, SiteInfo, SpecError
from tokred.interfaces import DENSE, Draw, Match, Memory
from tokred.parts import Cached, Cosine, all_but, cells_of, check_at_least, check_ratio, check_stride

STALENESS, ROUNDS = "stale", "rounds"
"""The matcher's memory: matches since each token was computed, and the number of matches so far."""


@dataclass(frozen=True)
class FreshMatcher:
    """Keep the tokens whose features are long and that were not computed for long; destinations mean nothing.

    Attributes:
        every: number of steps from one dense step to the next, at least 2: after so many matches less one, all tokens
            count as computed.
        staleness: weight of the matches since a token was computed, over `every`.
        bonus: by what share the best score of each window grows, at least 0.
        window: height and width of a window, in tokens; or frames before them.
    """

    every: int = 3
    staleness: float = 0.25
    bonus: float = 0.6
    window: tuple[int, ...] = (2, 2)
    max_ratio: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        check_at_least("every", self.every, 2, "the number of steps from one dense step to the next")
        check_stride(self.window, "window")
        for name in ("staleness", "bonus"):
            weight = getattr(self, name)
            if not isinstance(weight, int | float) or not 0 <= weight < math.inf:
                raise SpecError(f"{name}={weight!r} must be a finite number of at least 0.")

    def capacity(self, layout: Layout) -> int:
        """Return N - 1: one token has to stay."""
        return layout.image - 1

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """List the windows `[D, n]`; nothing is random."""
        return (cells_of(layout, self.window),)

    def state_spec(self, shape: tuple[int, int]) -> dict[str, tuple[int, ...]]:
        """Declare the counts `[B, N]`, and one of the matches."""
        return {STALENESS: shape, ROUNDS: ()}

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Remove the `r` tokens of `features` `[B, N, C]` of the lowest score."""
        stale, rounds = memory[STALENESS], memory[ROUNDS]
        stale.mul_(rounds % (self.every - 1) != 0).add_(1)
        length = torch.linalg.vector_norm(features.float(), dim=2).nan_to_num(0.0, 0.0, 0.0)
        important = torch.nn.functional.normalize(length, dim=1, eps=torch.finfo(length.dtype).tiny)
        score = self._with_bonus(important + self.staleness * stale / self.every, draw[0])
        order = score.argsort(dim=1, descending=True, stable=True)
        kept, src = torch.split(order, [order.shape[1] - r, r], dim=1)
        stale.scatter_(1, kept, 0.0)
        rounds.add_(1)
        first = all_but(src, features.shape[1])[:, :1]
        return Reduction.from_pairs(features.shape[1], src, first.expand(-1, r))

    def _with_bonus(self, score: torch.Tensor, windows: torch.Tensor) -> torch.Tensor:
        """Let the first of the best scores `[B, N]` of each window grow."""
        best = score[:, windows].argmax(dim=2, keepdim=True)
        winners = windows.expand(len(score), -1, -1).gather(2, best).squeeze(2)
        return score.scatter_add(1, winners, self.bonus * score.gather(1, winners))


@dataclass(frozen=True)
class Refresh:
    """Compute all at one step in so many; at the others skip attention, and compute a part of the tokens of MLPs.

    Attributes:
        fresh: share of the image tokens that MLPs compute between dense steps, in [0, 1); at 0 they are skipped too.
        every: number of steps from one dense step to the next, at least 2.
    """

    fresh: float
    every: int = 3
    reuses: ClassVar[bool] = True
    skips: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ratio(self.ratio, skips=True)
        check_at_least("every", self.every, 2, "the number of steps from one dense step to the next")

    @property
    def ratio(self) -> float:
        """The share of the tokens that MLPs do not compute."""
        return 1 - self.fresh

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan a dense step, or one that computes MLPs in part and nothing else."""
        if step % self.every == 0:
            return DENSE
        if site.kind == "mlp" and self.fresh:
            return Plan(Phase.MATCH_REDUCE, self.ratio)
        return Plan(Phase.REDUCE, 1.0)


def toca(
    *,
    fresh: float = 0.2,
    every: int = 3,
    staleness: float = 0.25,
    bonus: float = 0.6,
    window: tuple[int, ...] = (2, 2),
) -> Method:
    """Reuse attention outputs between dense steps, and MLP outputs but for the tokens with the highest scores.

    Args:
        fresh: share of the image tokens that MLPs compute between dense steps, in [0, 1).
        every: number of steps from one dense step to the next, at least 2.
        staleness: weight of how long ago a token was computed, at least 0.
        bonus: by what share the best score of each window grows, at least 0.
        window: height and width of a window, in tokens; or frames before them.
    """
    return Method(
        name="toca",
        paper="ICLR 2025, Zou et al.; DuCa, arXiv:2412.18911",
        similarity=Cosine("value"),  # no pairs are scored: its signal is what the matcher sees
        matcher=FreshMatcher(every, staleness, bonus, window),
        scheduler=Refresh(fresh, every),
        recovery=Cached(update=True),
        sites=("attn", "mlp"),
    )
