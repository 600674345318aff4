"""What a matcher says that draws nothing and remembers nothing."""

from __future__ import annotations

import torch

from tokred.interfaces import Draw, MemorySpec
from tokred.layout import Layout


class Stateless:
    """The part of a matcher that says that it draws nothing and remembers nothing.

    A matcher may inherit from it and write down `max_ratio`, `capacity` and `match` alone, or `draw` too.
    """

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """Draw nothing."""
        return ()

    def state_spec(self, shape: tuple[int, int]) -> MemorySpec:
        """Declare no memory."""
        return {}
