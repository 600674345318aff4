"""The floor: tokens removed at random."""

from __future__ import annotations

from tokred import Method, SiteKind
from tokred.parts import Copy, Cosine, EveryStep, RandomMatcher


def random(*, ratio: float = 0.5, sites: tuple[SiteKind, ...] = ("attn",), seed: int = 0) -> Method:
    """Remove random tokens before attention, and give each the output of a random kept one.

    Args:
        ratio: share of the image tokens that is removed, in [0, 1).
        sites: where tokens are reduced.
        seed: of the draws.
    """
    return Method(
        name="random",
        similarity=Cosine(),  # not asked for: the matcher reads no features
        matcher=RandomMatcher(),
        scheduler=EveryStep(ratio),
        recovery=Copy(),
        sites=sites,
        seed=seed,
    )
