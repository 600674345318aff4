"""The method `example`: it should read like the paper that it comes from."""

from __future__ import annotations

from tokred import Keys, Method, SiteKind
from tokred.parts import Copy, GridMatcher, Interval
from tokred_example.damped import Damped


def example(
    *,
    ratio: float = 0.5,
    interval: int = 2,
    dense_first: int = 4,
    sites: tuple[SiteKind, ...] = ("attn", "mlp"),
    keys: Keys = "kept",
    seed: int = 0,
) -> Method:
    """Match tokens whose outputs are alike in angle and length at a dense step, and reuse the pairs.

    Args:
        ratio: share of the image tokens that a reducing step removes, in [0, 0.75].
        interval: number of steps from one match to the next, at least 2.
        dense_first: number of dense steps at the start, at least 1.
        sites: where tokens are reduced.
        keys: what kept queries attend to: "kept" tokens, "full" or "recovered" keys and values.
        seed: of the draws.
    """
    return Method(
        name="example",
        similarity=Damped("output"),
        matcher=GridMatcher(stride=(2, 2)),
        scheduler=Interval(ratio, interval, dense_first),
        recovery=Copy(),
        sites=sites,
        keys=keys,
        seed=seed,
    )
