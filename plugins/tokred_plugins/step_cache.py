"""A step cache: the whole model output, reused or carried on in time; token reduction where every token is removed."""

from __future__ import annotations

from tokred import Method, Remembered
from tokred.parts import Cached, Cosine, Forecast, Interval, RandomMatcher, Variable
from tokred_plugins.scheduled import scheduled

USUAL = Interval(1.0, interval=2, dense_first=1)


def step_cache(
    *,
    interval: int = USUAL.interval,
    dense_first: int = USUAL.dense_first,
    order: float = 0,
    variable: Variable = "log_snr",
    program: str = "",
    memory: Remembered = "model",
) -> Method:
    """Call the model at every so many steps, and make its output at the steps between from those before.

    Args:
        interval: number of steps from one computed step to the next, at least 2.
        dense_first: number of steps at the start that are all computed, at least 1.
        order: 0 returns the last computed output, 1 carries on the line through two, 2 the parabola through three; 1.5
            the line and half of the parabola's bend.
        variable: what the line runs over, "log_snr" or "noise"; see `tokred.parts.Forecast`.
        program: the schedule as a line, such as "DDDD (D 1 1)* D", in place of `interval` and `dense_first`; empty
            for none.
        memory: "model", or "half" for outputs remembered in half precision.
    """
    return Method(
        name="step_cache",
        similarity=Cosine(),  # these two are not asked for: nothing is matched
        matcher=RandomMatcher(),
        scheduler=scheduled(program, Interval(1.0, interval, dense_first), USUAL),
        recovery=Forecast(order, variable) if order else Cached(),
        sites=("model",),
        memory=memory,
    )
