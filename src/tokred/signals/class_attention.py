"""The signals that say what a block's class token attends to."""

from __future__ import annotations

import torch

from tokred.interfaces import Place, Probe, Signal, SiteKind
from tokred.signals.class_row import ClassRow


class ClassAttention(Signal):
    """How much the class token attends to each token, the mean over heads, `[B, N, 1]`."""

    name = "class_attention"

    def known_before(self, kind: SiteKind) -> bool:
        """Known where attention comes before the site."""
        return kind in ("mlp", "stream")

    def missing(self, place: Place) -> str:
        """See `Signal`."""
        return (
            "" if place.class_token is not None else "the model has no class token, or does not show what it attends to"
        )

    def probe(self, place: Place) -> Probe:
        """See `Signal`."""
        return ClassRow(place, self)

    def made(self, weights: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Make features `[B, L, C]` of the attention `[B, H, L]`, the keys and the values `[B, H, L, d]`."""
        return weights.mean(dim=1).unsqueeze(2)


class ClassAttentionAndKey(ClassAttention):
    """How much the class token attends to each token and its key beside it, means over heads, `[B, N, 1 + d]`."""

    name = "class_attention+key"

    def made(self, weights: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """See `ClassAttention`."""
        return torch.cat([super().made(weights, keys, values), keys.float().mean(dim=1)], dim=2)


class Significance(ClassAttention):
    """The class token's attention, each head's times the length of the token's value, summed over heads, as in ATS."""

    name = "significance"

    def made(self, weights: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """See `ClassAttention`."""
        lengths: torch.Tensor = torch.linalg.vector_norm(values.float(), dim=3)
        return (weights * lengths).sum(dim=1).unsqueeze(2)
