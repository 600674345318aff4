"""Cosine similarity, the measure of ToMe, ToMeSD and most that followed."""

from __future__ import annotations

import torch

from tokred.parts.of_signal import OfSignal


class Cosine(OfSignal):
    """Cosine of the angle between two tokens, in [-1, 1]; 0 for a token of zeros."""

    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        """Compare sources `[B, S, C]` with destinations `[B, D, C]`: `[B, S, D]`, float32."""
        src, dst = src.float(), dst.float()
        return (src @ (dst / _lengths(dst)).transpose(1, 2)).div_(_lengths(src))  # fewer are divided than there are src


def _lengths(x: torch.Tensor) -> torch.Tensor:
    """Return the length of each token of `x` `[B, N, C]`, above 0: `[B, N, 1]`."""
    lengths: torch.Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return lengths.clamp_min(torch.finfo(torch.float32).tiny)
