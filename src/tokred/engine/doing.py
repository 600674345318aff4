"""What a site does in a call, as far as compiled code differs by it."""

from __future__ import annotations

from typing import NamedTuple

from tokred.interfaces import Phase


class Doing(NamedTuple):
    """What a site does in a model call.

    Attributes:
        phase: of the call.
        skipping: whether the site is not called.
        making: whether it makes correspondences, rather than another that it shares them with.
        redrawn: whether these are not compared with the last.
        observing: whether what it computes is remembered.
    """

    phase: Phase
    skipping: bool
    making: bool
    redrawn: bool
    observing: bool

    @property
    def shown(self) -> str:
        """The same as one word."""
        return "_".join([self.phase.value, *(name for name in self._fields[1:] if getattr(self, name))])
