"""The signal "output"."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from tokred.interfaces import Memory, Place, Probe, Signal, Time


class Output(Signal):
    """What the site returns, its residual branch."""

    name = "output"
    of_tokens = True

    def probe(self, place: Place) -> Probe:
        """See `Signal`."""
        return OutputProbe()


class OutputProbe(Probe):
    """Makes features of the site's output."""

    def features(
        self, tokens: torch.Tensor, output: torch.Tensor | None, memories: Mapping[str, Memory], time: Time
    ) -> torch.Tensor:
        """Return `output`."""
        assert output is not None, "the planner refuses to match by an output before it is known"
        return output
