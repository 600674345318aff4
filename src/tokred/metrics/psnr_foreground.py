"""Peak signal-to-noise ratio of what stands before a white background."""

from __future__ import annotations

import torch

from tokred.metrics.metric import Metric
from tokred.metrics.pictures import picture_pair
from tokred.metrics.psnr import decibels

_WHITE = 1.0
_TOLERANCE = 0.05


def psnr_foreground(pictures: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Measure `psnr` over the foreground alone, so that an easy white background does not count.

    A pixel is foreground where at least one channel of the reference is further than 0.05 from white (1.0). A picture
    whose reference has no such pixel is measured whole.

    Args:
        pictures: `[B, 3, H, W]`, floating point in [0, 1].
        reference: the same shape.

    Returns:
        One value per picture, `[B]` float32, in dB, from 0 to `IDENTICAL_PSNR`.

    Raises:
        SpecError: the two differ in shape, or one is not such a batch.

    Examples:
        >>> reference = torch.ones(1, 3, 8, 8)
        >>> reference[..., :4] = 0.5
        >>> psnr_foreground(reference * 0.8, reference)
        tensor([20.])
    """
    x, y = picture_pair(pictures, reference)
    foreground = (_WHITE - y > _TOLERANCE).any(dim=1, keepdim=True)
    counted = foreground | ~foreground.any(dim=(2, 3), keepdim=True)
    error = ((x - y).square() * counted).sum(dim=(1, 2, 3)) / (counted.sum(dim=(1, 2, 3)) * y.shape[1])
    return decibels(error)


METRIC = Metric(name="psnr_foreground", title="foreground PSNR", unit="dB", digits=1, load=lambda: psnr_foreground)
