"""Reference cache: what a model is given to draw from is computed at some steps only; tokred's own form of it."""

from __future__ import annotations

from tokred import Method, Remembered
from tokred.parts import Cached, Cosine, Forecast, Program, RoleMatcher, Untouched

ALL_BLOCKS = 10**6
"""Blocks that share the correspondences, more than any model has: they follow from the layout."""


def reference_cache(*, program: str = "D (R R R D)*", order: int = 0, memory: Remembered = "model") -> Method:
    """Leave the tokens of reference pictures out of most steps; the others attend to their keys and values as kept.

    Args:
        program: the schedule as a line, see `tokred.parts.Program`: at "D" everything is computed, and the references'
            keys and values are remembered; at "R" they are left out; at 1 the model is skipped, and its output carried
            on over the log signal-to-noise ratio.
        order: of the keys and values between: 0 keeps those of the last "D", 1 carries on the line through two.
        memory: "model", or "half" for what is remembered in half precision.
    """
    return Method(
        name="reference_cache",
        similarity=Cosine("input"),  # no pairs are scored
        matcher=RoleMatcher("reference"),
        scheduler=Program(program),
        recovery=Untouched(model=Forecast() if Program(program).skips else None),
        sites=("attn", "mlp", "model") if Program(program).skips else ("attn", "mlp"),
        keys=Forecast() if order else Cached(),
        share=ALL_BLOCKS,
        memory=memory,
    )
