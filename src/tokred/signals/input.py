"""The signal "input"."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from tokred.interfaces import Memory, Place, Probe, Signal, SiteKind, Time


class Input(Signal):
    """What the site is called with; at a "stream" site it holds what the attention has added already."""

    name = "input"
    of_tokens = True

    def known_before(self, kind: SiteKind) -> bool:
        """Known at every site."""
        return True

    def probe(self, place: Place) -> Probe:
        """See `Signal`."""
        return InputProbe()


class InputProbe(Probe):
    """Makes features of the tokens that the site is called with."""

    def features(
        self, tokens: torch.Tensor, output: torch.Tensor | None, memories: Mapping[str, Memory], time: Time
    ) -> torch.Tensor:
        """Return `tokens`."""
        return tokens
