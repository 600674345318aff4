"""The interface of a rival."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Rival(Protocol):
    """Something that makes a pipeline cheaper without reducing tokens."""

    def steps(self, steps: int) -> int:
        """Return how many denoising steps to take where `steps` would be taken."""
        ...

    def applied(self, pipe: Any) -> AbstractContextManager[None]:
        """Return a context in which `pipe` is cheaper, and after which it is as before."""
        ...
