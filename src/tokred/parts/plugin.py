"""tokred's own parts, as components."""

from __future__ import annotations

from collections.abc import Iterator

from tokred.registry.component import Component
from tokred.registry.hooks import hookimpl


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the parts."""
    yield Component("similarity", "cosine", "tokred.parts:Cosine", "cosine of the angle between two tokens")
    yield Component("matcher", "grid", "tokred.parts:GridMatcher", "one destination per cell of the token grid")
    yield Component("matcher", "random", "tokred.parts:RandomMatcher", "random pairs")
    yield Component("scheduler", "every_step", "tokred.parts:EveryStep", "match and reduce in every call")
    yield Component(
        "scheduler", "interval", "tokred.parts:Interval", "match at one step in so many, reuse at the others"
    )
    yield Component("scheduler", "program", "tokred.parts:Program", "what a line says, step by step")
    yield Component("recovery", "copy", "tokred.parts:Copy", "the output of the token's destination")
    yield Component("recovery", "cached", "tokred.parts:Cached", "the token's own output at the last dense call")
    yield Component("recovery", "forecast", "tokred.parts:Forecast", "the token's own outputs, carried on in time")
    yield Component("recovery", "delta", "tokred.parts:Delta", "the token's forecast and its destination's change")
