"""The similarity `example`."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tokred import Signal


@dataclass(frozen=True)
class Damped:
    """The cosine of two tokens, times how equal their lengths are: the shorter over the longer.

    Attributes:
        signal: the features that are compared, see `tokred.Similarity`.
    """

    signal: Signal = "output"

    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        """Compare sources `[B, S, C]` with destinations `[B, D, C]`: `[B, S, D]`, float32."""
        src, dst = src.float(), dst.float()
        lengths, others = src.norm(dim=-1).unsqueeze(2), dst.norm(dim=-1).unsqueeze(1)
        longer = torch.maximum(lengths, others).clamp_min(torch.finfo(torch.float32).tiny)
        return src @ dst.transpose(1, 2) / longer / longer  # |s| |d| cos / longer^2 = cos * shorter / longer
