"""Cosine similarity, the measure of ToMe, ToMeSD and most that followed."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tokred.interfaces import Signal
from tokred.parts.checks import check_signal


@dataclass(frozen=True)
class Cosine:
    """Cosine of the angle between two tokens, in [-1, 1]; 0 for a token of zeros.

    Attributes:
        signal: the features that are compared, see `tokred.Similarity`.
    """

    signal: Signal = "input"

    def __post_init__(self) -> None:
        check_signal(self.signal)

    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        """Compare sources `[B, S, C]` with destinations `[B, D, C]`: `[B, S, D]`, float32."""
        return _unit(src) @ _unit(dst).transpose(1, 2)


def _unit(x: torch.Tensor) -> torch.Tensor:
    """Scale each token of `x` `[B, N, C]` to length 1, in float32; tokens of zeros stay zeros."""
    return torch.nn.functional.normalize(x.float(), dim=-1, eps=torch.finfo(torch.float32).tiny)
