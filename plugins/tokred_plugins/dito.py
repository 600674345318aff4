"""DiTo: H. Lee, H. Lee, J.-Y. Kim, arXiv:2605.22011, 2026."""

from __future__ import annotations

from tokred import Keys, MergeMode, Method, Scheduler, Signal, SiteKind, SpecError
from tokred.parts import Copy, Cosine, FrequencyPenalty, GridMatcher, GuidedInterval, Interval, Oracle, Planned


def dito(
    *,
    ratio: float = 0.5,
    interval: int = 2,
    dense_first: int = 1,
    pmr: float = 0.0,
    longest: int = 8,
    schedule: str = "",
    penalty: float = 0.0,
    dst_penalty: float = 0.0,
    decay: float = 1.0,
    signal: Signal | str = "output",
    oracle: bool = False,
    stride: tuple[int, ...] = (2, 2),
    merge: MergeMode = "prune",
    sites: tuple[SiteKind, ...] = ("attn", "mlp"),
    keys: Keys = "kept",
    share: int = 0,
    seed: int = 0,
) -> Method:
    """Match tokens by the similarity of their outputs at a dense step, and reuse the pairs at the following ones.

    Confirmed by the paper: outputs are compared, because recovery copies outputs; their similarity persists over
    neighbouring steps; pairs are made at Matching steps and reused unchanged at Reduction steps. Our reconstruction:
    Matching steps are dense; each site compares its own residual branch; destinations are drawn one per cell, anew at
    each Matching step (at every second one where the interval is guided); kept tokens are not averaged. That a pair
    match ratio guides the interval, and that a penalty on how often tokens were selected is part of matching, is the
    paper's; both formulas, and their being off by default, are ours: see `tokred.parts.GuidedInterval` and
    `tokred.parts.FrequencyPenalty`.

    Args:
        ratio: share of the image tokens that a Reduction step removes, in [0, 1 - 1 / (sy * sx)].
        interval: number of steps from one Matching step to the next, at least 2; the least one where it is guided.
        dense_first: number of dense steps at the start, at least 1; the last of them is the first Matching step.
        pmr: pair match ratio that a guided interval should not fall below, in (0, 1); 0 keeps the interval fixed.
        longest: the greatest guided interval, at least `interval`.
        schedule: a file that `tokred calibrate` wrote: the Matching steps, in place of `interval` and `dense_first`.
        penalty: weight of the penalty for tokens that were removed often, at least 0.
        dst_penalty: weight of the penalty for destinations that received many tokens, at least 0.
        decay: what the penalties' counts keep from match to match, in [0, 1].
        signal: what is compared; "input" gives the input-matched twin, "key" one that compares keys; "drift", the
            change of outputs between two dense steps, needs `dense_first` of at least 2.
        oracle: whether each Reduction step is computed densely first and paired by its own outputs: dearer than dense,
            to show what reused pairs lose. Not with `pmr`.
        stride: height and width of the cells that hold one destination each, in tokens; or frames before them.
        merge: what a destination holds: "prune", its own features, or "mean".
        sites: where tokens are reduced.
        keys: what kept queries attend to: "kept" tokens, "full" or "recovered" keys and values.
        share: number of neighbouring blocks whose sites share one match; 0 for a match per site.
        seed: of the draws.
    """
    if schedule and pmr:
        raise SpecError(f"schedule={schedule!r} and pmr={pmr} both set the Matching steps. Leave one of them out.")
    if oracle and pmr:
        raise SpecError(f"oracle=True matches at every step, and pmr={pmr} measures matches. Leave one of them out.")
    if schedule:
        scheduler: Scheduler = Planned.read(schedule, ratio)
    elif pmr:
        scheduler = GuidedInterval(ratio, pmr, interval, longest, dense_first)
    else:
        scheduler = Interval(ratio, interval, dense_first)
    return Method(
        name="dito",
        paper="arXiv:2605.22011",
        similarity=Cosine(signal),
        matcher=GridMatcher(stride, penalty=FrequencyPenalty(penalty, dst_penalty, decay)),
        scheduler=Oracle(scheduler) if oracle else scheduler,
        recovery=Copy(),
        merge=merge,
        sites=sites,
        keys=keys,
        share=share,
        seed=seed,
    )
