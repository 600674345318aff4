"""Peak signal-to-noise ratio."""

from __future__ import annotations

import torch

from tokred.metrics.metric import Metric
from tokred.metrics.pictures import picture_pair

IDENTICAL_PSNR = 100.0
"""PSNR of identical pictures, in dB: the mean squared error is never taken below 1e-10."""


def psnr(pictures: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Measure how far pictures are from their references: -10 log10 of the mean squared error, for a peak of 1.

    Args:
        pictures: `[B, 3, H, W]`, floating point in [0, 1].
        reference: the same shape.

    Returns:
        One value per picture, `[B]` float32, in dB, from 0 (black against white) to `IDENTICAL_PSNR`.

    Raises:
        SpecError: the two differ in shape, or one is not such a batch.

    Examples:
        >>> black = torch.zeros(2, 3, 8, 8)
        >>> psnr(black + 0.1, black)
        tensor([20., 20.])
    """
    x, y = picture_pair(pictures, reference)
    return decibels((x - y).square().mean(dim=(1, 2, 3)))


def decibels(error: torch.Tensor) -> torch.Tensor:
    """Return mean squared errors `[B]` as PSNR, for a peak of 1; at most `IDENTICAL_PSNR`."""
    return -10 * error.clamp(min=10 ** (-IDENTICAL_PSNR / 10)).log10()


METRIC = Metric(name="psnr", title="PSNR", unit="dB", digits=1, load=lambda: psnr)
