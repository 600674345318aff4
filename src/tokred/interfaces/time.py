"""How much noise is in the picture at a call of the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch

EDGE = 1e-3
"""The share of noise that the ends of a generation are taken for, where one of picture and noise is 0."""


@dataclass(frozen=True, eq=False)
class Time:
    """How much noise is in the picture, as tensors without axes, in float32 on the model's device.

    It says how far calls are apart, not which step they are. Both are worked out once for all sites of a call.

    Attributes:
        noise: the share of noise, `sigma / (alpha + sigma)`, which of a rectified flow is its sigma: from 1 down to 0.
        log_snr: the logarithm of the ratio of picture to noise, `alpha / sigma`; at both ends, where that is 0 or
            endless, it is taken a thousandth from there.
    """

    noise: torch.Tensor
    log_snr: torch.Tensor

    @classmethod
    def at(cls, noise: torch.Tensor) -> Self:
        """Return the time at a share of noise."""
        return cls(noise, noise.logit(eps=EDGE).neg())

    def set(self, noise: float) -> Self:
        """Write another share of noise into the tensors."""
        torch.logit(self.noise.fill_(noise), eps=EDGE, out=self.log_snr).neg_()
        return self

    def clone(self) -> Self:
        """Return a copy that `set` does not reach."""
        return type(self)(self.noise.clone(), self.log_snr.clone())
