"""Features that a module of the block's attention returns."""

from __future__ import annotations

from typing import Any

from torch import nn

from tokred.interfaces import Around, Forward, Place
from tokred.signals.slot import SlotProbe


class ReturnedProbe(SlotProbe):
    """Stands around a module that returns `[B, L, C]`, or by heads `[B, H, L, d]`: the features are their mean then."""

    def __init__(self, place: Place, signal: str, module: nn.Module) -> None:
        super().__init__(place, signal)
        self.module = module

    @property
    def around(self) -> dict[nn.Module, Around]:
        """See `Probe`."""
        return {self.module: self}

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the module."""
        returned = forward(*args, **kwargs)
        if self.slot.open:
            self.slot.offer(returned if returned.ndim == 3 else returned.mean(dim=1))
        return returned
