"""The signal "model_output"."""

from __future__ import annotations

import torch

from tokred.interfaces import Place, Probe, Signal, SiteKind
from tokred.signals.slot import SlotProbe


class ModelOutput(Signal):
    """What the whole model returned at its last call, the same for all sites."""

    name = "model_output"
    needs_past = True
    remembers = True
    of_model = True

    def known_before(self, kind: SiteKind) -> bool:
        """Known at every site, from the step before."""
        return True

    def probe(self, place: Place) -> Probe:
        """See `Signal`."""
        return ModelProbe(place, self.name, ("image",))


class ModelProbe(SlotProbe):
    """Waits for what the model hands it."""

    def offer(self, rows: torch.Tensor) -> None:
        """See `Probe`."""
        self.slot.offer(self.features_of(rows))

    def features_of(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the features `[B, N, C']` of what was offered."""
        return rows.flatten(2)
