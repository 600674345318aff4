"""Features that a module of the block's attention returns."""

from __future__ import annotations

from typing import Any

import torch
from einops import reduce
from torch import nn

from tokred.interfaces import Around, Forward, Place
from tokred.signals.slot import SlotProbe


class ReturnedProbe(SlotProbe):
    """Stands around a module that returns `[B, L, C]`, or by heads `[B, H, L, d]`: the features are their mean then.

    Args:
        place, signal: see `SlotProbe`.
        module: the module.
        heads: of how many that stand side by side in `[B, L, C]` the mean is asked for; 0 for none.
    """

    def __init__(self, place: Place, signal: str, module: nn.Module, heads: int = 0) -> None:
        super().__init__(place, signal)
        self.module = module
        self.heads = heads

    @property
    def around(self) -> dict[nn.Module, Around]:
        """See `Probe`."""
        return {self.module: self}

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the module."""
        returned = forward(*args, **kwargs)
        if self.slot.open:
            self.slot.offer(self._features(returned))
        return returned

    def _features(self, returned: torch.Tensor) -> torch.Tensor:
        if returned.ndim == 4:
            return returned.mean(dim=1)
        return reduce(returned, "b l (h d) -> b l d", "mean", h=self.heads) if self.heads else returned
