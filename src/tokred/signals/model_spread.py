"""The signal "model_spread"."""

from __future__ import annotations

import torch

from tokred.interfaces import Place, Probe
from tokred.signals.model_output import ModelOutput, ModelProbe


class ModelSpread(ModelOutput):
    """How much the model's last output varies over the channels, on average over a token's pixels.

    The standard deviation, one number for each token, the same for all sites: Liu et al., 2025, arXiv:2502.10389.
    """

    name = "model_spread"

    def probe(self, place: Place) -> Probe:
        """See `Signal`."""
        return SpreadProbe(place, self.name, ("image",))


class SpreadProbe(ModelProbe):
    """Waits for what the model hands it, and notes the standard deviations."""

    def features_of(self, rows: torch.Tensor) -> torch.Tensor:
        """See `ModelProbe`; `[B, N, 1]`, float32."""
        return rows.float().std(dim=2, correction=0).mean(dim=2, keepdim=True)
