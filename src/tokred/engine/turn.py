"""One model call at a time, where several threads share a model."""

from __future__ import annotations

import threading
from typing import Any

import torch


class Turn:
    """Lets one model call of a run be made at a time; a copy is a turn of its own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._depth = 0

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def take(self, *_: Any) -> None:
        """Wait until no other thread has it."""
        self._lock.acquire()
        self._depth += 1

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def give(self, *_: Any) -> None:
        """Let the next thread have it, also what calls that were broken off have kept."""
        depth, self._depth = self._depth, 0  # read before the release: then it is another thread's
        for _held in range(depth):
            self._lock.release()

    def __reduce__(self) -> tuple[type[Turn], tuple[()]]:
        return Turn, ()
