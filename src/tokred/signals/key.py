"""The signals "key" and "key+input"."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from tokred.interfaces import Memory, Place, Probe, Signal, SiteKind, Time
from tokred.signals.returned import ReturnedProbe


class Key(Signal):
    """The keys that the block's attention projects, all heads side by side; as their mean in a ViT, as in ToMe."""

    name = "key"

    def known_before(self, kind: SiteKind) -> bool:
        """Known where attention comes before the site."""
        return kind in ("mlp", "stream")

    def missing(self, place: Place) -> str:
        """See `Signal`."""
        return "" if place.keys is not None else "no module of the block returns the keys"

    def probe(self, place: Place) -> Probe:
        """See `Signal`."""
        assert place.keys is not None, "refused before"
        return ReturnedProbe(place, self.name, place.keys.module, place.keys.heads)


class KeyAndInput(Key):
    """The keys and the input side by side, each scaled to length 1, so that a cosine is the mean of their cosines."""

    name = "key+input"

    def probe(self, place: Place) -> Probe:
        """See `Signal`."""
        assert place.keys is not None, "refused before"
        return _Beside(place, self.name, place.keys.module, place.keys.heads)


class _Beside(ReturnedProbe):
    def features(
        self, tokens: torch.Tensor, output: torch.Tensor | None, memories: Mapping[str, Memory], time: Time
    ) -> torch.Tensor:
        return torch.cat([_unit(self.taken(tokens.shape[1])), _unit(tokens)], dim=2)


def _unit(x: torch.Tensor) -> torch.Tensor:
    """Scale each token of `x` `[B, N, C]` to length 1, in float32; tokens of zeros stay zeros."""
    return torch.nn.functional.normalize(x.float(), dim=2, eps=torch.finfo(torch.float32).tiny)
