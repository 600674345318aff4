"""Promises of a baseline."""

from __future__ import annotations

from tokred.testing.check import Specimen, demand


def takes_no_more_steps(specimen: Specimen) -> None:
    """Of N denoising steps it takes a whole number from 1 to N."""
    for steps in (1, 2, 7, 50):
        taken = specimen.make().steps(steps)
        demand(type(taken) is int and 1 <= taken <= steps, f"it takes {taken!r} steps where {steps} would be taken.")
