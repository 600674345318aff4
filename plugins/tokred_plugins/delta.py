"""Delta: removed tokens change as their destinations do; tokred's own, between token reduction and a step cache."""

from __future__ import annotations

from typing import Literal

from tokred import Keys, Method, Remembered, Signal, SiteKind
from tokred.parts import Cached, Cosine, Delta, Forecast, GridMatcher, Interval, Variable
from tokred_plugins.scheduled import scheduled

USUAL = Interval(0.75, interval=2, dense_first=4)
Gain = Literal["fitted", "one"]
Remove = Literal["similar", "least"]


def delta(
    *,
    ratio: float = USUAL.ratio,
    interval: int = USUAL.interval,
    dense_first: int = USUAL.dense_first,
    program: str = "",
    order: float = 1,
    variable: Variable = "log_snr",
    gain: Gain = "one",
    signal: Signal | str = "output",
    stride: tuple[int, ...] = (2, 2),
    remove: Remove = "similar",
    sites: tuple[SiteKind, ...] = ("attn", "mlp"),
    keys: Keys = "full",
    share: int = 0,
    memory: Remembered = "model",
    seed: int = 0,
) -> Method:
    """Forecast every token from its own dense steps, and correct removed ones by what their destinations' missed.

    Pairs are made at dense steps, as in DiTo. At the steps between, a removed token gets its own forecast, plus what
    the forecast of its destination missed, times a gain. With order 0 that is its last dense output plus the change of
    its destination since.

    Args:
        ratio: share of the image tokens that a reduce step removes, in [0, 1 - 1 / (sy * sx)].
        interval: number of steps from one dense step to the next, at least 2.
        dense_first: number of dense steps at the start, at least 1; the last of them is the first match.
        program: the schedule as a line, such as "DDDD (M .75 .75 1)*", in place of those three; empty
            for none; see `tokred.parts.Program`. At ratio 1 the whole model is skipped.
        order: of the forecast: 0 keeps the last dense output, 1 draws a line through two, 2 a parabola through three;
            1.5 the line and half of the parabola's bend.
        variable: what the line runs over, "log_snr" or "noise"; see `tokred.parts.Forecast`.
        gain: "one", or "fitted" to what the forecasts missed at the last dense step, token by token.
        signal: what is compared; "error" pairs tokens whose forecasts miss alike; as "drift", it needs `dense_first`
            of at least 2.
        stride: height and width of the cells that hold one destination each, in tokens; or frames before them.
        remove: which tokens go: "similar", those most similar to a destination, or "least", those of the least signal:
            with `signal="error"` the tokens stay whose forecasts err most.
        sites: where tokens are reduced.
        keys: what kept queries attend to: "kept" tokens, "full" or "recovered" keys and values.
        share: number of neighbouring blocks whose sites share one match; 0 for a match per site.
        memory: "model", or "half" for outputs, keys and values remembered in half precision.
        seed: of the draws.
    """
    scheduler = scheduled(program, Interval(ratio, interval, dense_first), USUAL)
    base = Forecast(order, variable) if order else Cached()
    return Method(
        name="delta",
        similarity=Cosine(signal),
        matcher=GridMatcher(stride, remove=remove),
        scheduler=scheduler,
        recovery=Delta(base, 1.0 if gain == "one" else gain),
        sites=(*sites, "model") if scheduler.skips else sites,
        keys=keys,
        share=share,
        memory=memory,
        seed=seed,
    )
