"""The presets: what to use without knowing any of this; tokred's own."""

from __future__ import annotations

from dataclasses import replace

from tokred import Method
from tokred.parts import Cosine, Forecast, Program, RandomMatcher
from tokred_plugins.reference_cache import reference_cache


def quality() -> Method:
    """Skip every other step between dense ones at both ends, the first five of 28: 0.61 of the compute at 28 steps."""
    return _preset("quality", "D D D D/28 *(1 D) D I")


def balanced() -> Method:
    """Skip two steps in three between more dense ones at both ends, the longer the more: 0.46 of the compute at 28."""
    return _preset("balanced", "D D/9 *(1 1 D) D/15 I")


def fast() -> Method:
    """Skip three steps in four, and compute the last ones: 0.32 of the compute at 28 steps."""
    return _preset("fast", "D *(1 1 1 D) D/15 I")


def edit() -> Method:
    """Leave reference pictures out of the second step, then skip every other one but the last.

    It takes 0.88 of the compute at 4 steps and 0.55 at 28, where the references are half of the tokens; without any the
    second step is a dense one.
    """
    return replace(reference_cache(program="D R *(1 D) D I"), name="edit")


def _preset(name: str, program: str) -> Method:
    """Carry on the model's output over the log signal-to-noise ratio, where the program skips the model.

    The programs were chosen by `benchmarks/presets.py`, on pictures that no published table shows.
    """
    return Method(
        name=name,
        similarity=Cosine(),  # these two are not asked for: nothing is matched
        matcher=RandomMatcher(),
        scheduler=Program(program),
        recovery=Forecast(),
        sites=("model",),
    )
