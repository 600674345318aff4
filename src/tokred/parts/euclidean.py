"""Euclidean similarity, the measure of AsymRnR and Token Pooling."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tokred.interfaces import Signal
from tokred.parts.checks import check_signal


@dataclass(frozen=True)
class Euclidean:
    """Squared Euclidean distance of two tokens, negative.

    Attributes:
        signal: the features that are compared, see `tokred.Similarity`.
    """

    signal: Signal = "input"

    def __post_init__(self) -> None:
        check_signal(self.signal)

    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        """Compare sources `[B, S, C]` with destinations `[B, D, C]`: `[B, S, D]`, float32."""
        a, b = src.float(), dst.float().transpose(1, 2)
        return 2 * (a @ b) - a.square().sum(2, keepdim=True) - b.square().sum(1, keepdim=True)
