"""The signal "value"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from tokred.interfaces import Memory, MemorySpec, Place, Probe, Signal, SiteKind, Time
from tokred.signals.returned import ReturnedProbe


class Value(Signal):
    """The values of the block's attention; at an "mlp" site those of the last call in which attention was called."""

    name = "value"
    remembers = True

    def known_before(self, kind: SiteKind) -> bool:
        """Known where attention comes before the site."""
        return kind in ("mlp", "stream")

    def missing(self, place: Place) -> str:
        """See `Signal`."""
        return "" if place.values is not None else "no module of the block returns the values"

    def probe(self, place: Place) -> Probe:
        """See `Signal`."""
        assert place.values is not None, "refused before"
        kind = LastValues if place.kind == "mlp" else ReturnedProbe
        return kind(place, self.name, place.values)


class LastValues(ReturnedProbe):
    """Remembers the values, for the calls in which the attention is skipped and the MLP is not."""

    def state_spec(self, shape: tuple[int, int, int]) -> MemorySpec:
        """Declare the values of all image tokens."""
        projection: Any = self.module
        return {"values": (*shape[:2], projection.out_features)}

    def features(
        self, tokens: torch.Tensor, output: torch.Tensor | None, memories: Mapping[str, Memory], time: Time
    ) -> torch.Tensor:
        """Return the values `[B, N, C]` of this call, or of the last one that made any."""
        self._note(memories["signal"]["values"])
        return memories["signal"]["values"]

    def observe(self, output: torch.Tensor, memory: Memory) -> None:
        """See `Probe`."""
        self._note(memory["values"])

    @torch.no_grad()
    def _note(self, values: torch.Tensor) -> None:
        if self.slot.features is not None:
            values.copy_(self.taken(values.shape[1]))
