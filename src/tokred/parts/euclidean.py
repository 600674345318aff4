"""Euclidean similarity, the measure of AsymRnR and Token Pooling."""

from __future__ import annotations

import torch

from tokred.parts.of_signal import OfSignal


class Euclidean(OfSignal):
    """Squared Euclidean distance of two tokens, negative."""

    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        """Compare sources `[B, S, C]` with destinations `[B, D, C]`: `[B, S, D]`, float32."""
        a, b = src.float(), dst.float().transpose(1, 2)
        return 2 * (a @ b) - a.square().sum(2, keepdim=True) - b.square().sum(1, keepdim=True)
