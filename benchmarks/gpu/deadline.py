"""The end of the time that one call may take."""

from __future__ import annotations

import time
from collections.abc import Callable


class Deadline:
    """Knows how much time is left.

    Args:
        minutes: from now on.
        clock: gives the time in seconds.
    """

    def __init__(self, minutes: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + 60 * minutes

    def left(self) -> float:
        """Return the seconds that are left; negative once it has passed."""
        return self._end - self._clock()

    def fits(self, seconds: float) -> bool:
        """Say whether something that takes so long would end in time."""
        return seconds < self.left()
