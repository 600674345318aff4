"""DiTo: H. Lee, H. Lee, J.-Y. Kim, arXiv:2605.22011, 2026."""

from __future__ import annotations

from tokred import Keys, MergeMode, Method, Signal, SiteKind
from tokred.parts import Copy, Cosine, GridMatcher, Interval


def dito(
    *,
    ratio: float = 0.5,
    interval: int = 2,
    dense_first: int = 1,
    signal: Signal = "output",
    stride: tuple[int, int] = (2, 2),
    merge: MergeMode = "prune",
    sites: tuple[SiteKind, ...] = ("attn", "mlp"),
    keys: Keys = "kept",
    seed: int = 0,
) -> Method:
    """Match tokens by the similarity of their outputs at a dense step, and reuse the pairs at the following ones.

    Confirmed by the paper: outputs are compared, because recovery copies outputs; their similarity persists over
    neighbouring steps; pairs are made at Matching steps and reused unchanged at Reduction steps. Our reconstruction:
    Matching steps are dense; each site compares its own residual branch; destinations are drawn one per cell, anew at
    each Matching step; kept tokens are not averaged; the interval is fixed. The paper's interval scheduling by pair
    match ratio and its selection-frequency penalty are not part of this preset yet.

    Args:
        ratio: share of the image tokens that a Reduction step removes, in [0, 1 - 1 / (sy * sx)].
        interval: number of steps from one Matching step to the next, at least 2.
        dense_first: number of dense steps at the start, at least 1; the last of them is the first Matching step.
        signal: what is compared; "input" gives the input-matched twin.
        stride: height and width of the cells that hold one destination each, in tokens.
        merge: what a destination holds: "prune", its own features, or "mean".
        sites: where tokens are reduced.
        keys: what kept queries attend to: "kept" tokens, "full" or "recovered" keys and values.
        seed: of the draws.
    """
    return Method(
        name="dito",
        paper="arXiv:2605.22011",
        similarity=Cosine(signal),
        matcher=GridMatcher(stride),
        scheduler=Interval(ratio, interval, dense_first),
        recovery=Copy(),
        merge=merge,
        sites=sites,
        keys=keys,
        seed=seed,
    )
