"""The similarity `example`."""

from __future__ import annotations

import torch

from tokred.parts import OfSignal


class Damped(OfSignal):
    """The cosine of two tokens, times how equal their lengths are: the shorter over the longer."""

    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        """Compare sources `[B, S, C]` with destinations `[B, D, C]`: `[B, S, D]`, float32."""
        src, dst = src.float(), dst.float()
        lengths, others = src.norm(dim=-1).unsqueeze(2), dst.norm(dim=-1).unsqueeze(1)
        longer = torch.maximum(lengths, others).clamp_min(torch.finfo(torch.float32).tiny)
        return src @ dst.transpose(1, 2) / longer / longer  # |s| |d| cos / longer^2 = cos * shorter / longer
