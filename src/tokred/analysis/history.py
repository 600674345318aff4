"""What was seen at the last steps of a generation, to be held against the next ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from tokred.analysis.watch import Seen

T = TypeVar("T")


class History(Generic[T]):
    """Remembers what was made of each site's last calls; another generation starts anew.

    Args:
        lags: how many steps earlier calls are asked for, each at least 0.
    """

    def __init__(self, lags: Sequence[int]) -> None:
        self.lags = frozenset(lags)
        self.past: dict[tuple[str, str], deque[tuple[int, T]]] = {}

    def add(self, seen: Seen, made: T) -> list[tuple[int, T]]:
        """Remember what was made of a call; return the lag, and what was made then, of each call asked for."""
        step = seen.position.step
        past = self.past.setdefault((seen.site.name, seen.position.branch), deque(maxlen=max(self.lags) + 1))
        if past and past[-1][0] >= step:
            past.clear()
        past.append((step, made))
        return [(step - then, earlier) for then, earlier in past if step - then in self.lags]
