"""A matcher around another one."""

from __future__ import annotations

import torch

from tokred.interfaces import Draw, Matcher, MemorySpec
from tokred.layout import Layout


class Wrapping:
    """The part of a matcher that leaves all but `match` to another one, which is a field of its own.

    Attributes:
        matcher: the other one.
    """

    matcher: Matcher

    @property
    def max_ratio(self) -> float:
        """That of the other matcher."""
        return self.matcher.max_ratio

    def capacity(self, layout: Layout) -> int:
        """Return that of the other matcher."""
        return self.matcher.capacity(layout)

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """Let the other matcher draw."""
        return self.matcher.draw(layout, r, generator)

    def state_spec(self, shape: tuple[int, int]) -> MemorySpec:
        """Declare what the other matcher remembers."""
        return self.matcher.state_spec(shape)
