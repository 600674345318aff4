"""The signal "error"."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from tokred.interfaces import Memory, Place, Probe, Recovery, Signal, Time


class Error(Signal):
    """What the site's output differs by from the forecast of the method's recovery."""

    name = "error"
    needs_past = True
    needs_forecast = True
    of_tokens = True

    def probe(self, place: Place) -> Probe:
        """See `Signal`."""
        return ErrorProbe(place.recovery)


class ErrorProbe(Probe):
    """Compares with what the recovery recalls, from the recovery's own memory."""

    def __init__(self, recovery: Recovery) -> None:
        self.recovery = recovery

    def features(
        self, tokens: torch.Tensor, output: torch.Tensor | None, memories: Mapping[str, Memory], time: Time
    ) -> torch.Tensor:
        """Return what `output` differs by from its forecast."""
        assert output is not None, "the planner refuses to match by an output before it is known"
        return output - self.recovery.recall(memories["output"], time)
