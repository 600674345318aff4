"""Similarities that are products."""

from __future__ import annotations

import torch

from tokred.parts.of_signal import OfSignal


class Product(OfSignal):
    """A similarity whose scores are products of what can be made of each token alone, once for all its pairs.

    One inherits from it and writes `unit` and `products`.
    """

    def unit(self, x: torch.Tensor) -> torch.Tensor:
        """Make factors of the features `x` `[B, N, C]`, `[B, N, C]`."""
        raise NotImplementedError

    def products(self, src: torch.Tensor, dst: torch.Tensor, exact: bool = True) -> torch.Tensor:
        """Multiply factors `[B, S, C]` and `[B, D, C]` into scores `[B, S, D]`, float32.

        Where they are not to be `exact`, any one multiple of all of them does.
        """
        raise NotImplementedError

    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        """Compare sources `[B, S, C]` with destinations `[B, D, C]`: `[B, S, D]`, float32."""
        return self.products(self.unit(src), self.unit(dst))
