"""A schedule by a program, or by intervals."""

from __future__ import annotations

from tokred import SpecError
from tokred.parts import Interval, Program


def scheduled(program: str, given: Interval, usual: Interval) -> Program | Interval:
    """Return the schedule of `program`, or the intervals that were `given` where it is empty.

    Args:
        program: a line, see `tokred.parts.Program`, or empty.
        given: what the method's other parameters say.
        usual: what they say where nobody sets them.

    Raises:
        SpecError: there is a program, and other intervals than the usual ones: one of them would not be looked at.
    """
    if not program:
        return given
    if given != usual:
        raise SpecError(
            f"program={program!r} says itself what each step does, and ratio, interval or dense_first was given beside "
            f"it ({given}). Leave out either."
        )
    return Program(program)
