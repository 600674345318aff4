"""The signal "projection"."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from tokred.interfaces import Memory, Place, Probe, Signal, SiteKind, Time


class Projection(Signal):
    """What is projected from those tokens alone that are kept.

    The queries at an "attn" site, the values at a "kv" site, all heads side by side, before any norm of their own.
    """

    name = "projection"

    def known_before(self, kind: SiteKind) -> bool:
        """Known at every site, at the cost of one projection more."""
        return True

    def missing(self, place: Place) -> str:
        """See `Signal`."""
        return "" if place.projection is not None else "it has no such projection alone"

    def probe(self, place: Place) -> Probe:
        """See `Signal`."""
        assert place.projection is not None, "refused before"
        return ProjectionProbe(place.projection)


class ProjectionProbe(Probe):
    """Projects the tokens itself."""

    def __init__(self, project: nn.Module) -> None:
        self.project = project

    def features(
        self, tokens: torch.Tensor, output: torch.Tensor | None, memories: Mapping[str, Memory], time: Time
    ) -> torch.Tensor:
        """Return the projections of `tokens`."""
        return self.project(tokens)  # type: ignore[no-any-return]
