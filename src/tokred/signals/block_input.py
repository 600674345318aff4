"""The signal "block_input"."""

from __future__ import annotations

from typing import Any

from torch import nn

from tokred.arguments import Arguments, argument_names
from tokred.interfaces import Around, Forward, Place, Probe, Signal, SiteKind
from tokred.signals.input import InputProbe
from tokred.signals.slot import SlotProbe


class BlockInput(Signal):
    """What the transformer block around the site is called with: the residual stream, as ToMeSD compares it."""

    name = "block_input"
    of_tokens = True

    def known_before(self, kind: SiteKind) -> bool:
        """Known at every site."""
        return True

    def missing(self, place: Place) -> str:
        """See `Signal`."""
        return "" if place.block is not None else "nothing names the block around it"

    def probe(self, place: Place) -> Probe:
        """See `Signal`."""
        return InputProbe() if place.kind == "block" else BlockProbe(place, self.name)


class BlockProbe(SlotProbe):
    """Stands around the block and notes its tokens `[B, L, C]`."""

    def __init__(self, place: Place, signal: str) -> None:
        super().__init__(place, signal, place.order)
        assert place.block is not None, "refused before"
        self.block, self.tokens = place.block, place.tokens
        self.names = argument_names(place.block)

    @property
    def around(self) -> dict[nn.Module, Around]:
        """See `Probe`."""
        return {self.block: self}

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the block."""
        if self.slot.open:
            self.slot.offer(Arguments(self.names, args, kwargs)[self.tokens])
        return forward(*args, **kwargs)
