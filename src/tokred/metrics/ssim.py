"""Structural similarity."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from tokred.metrics.metric import Metric
from tokred.metrics.pictures import picture_pair

_RADIUS = 5
_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2


def _gaussian() -> tuple[float, ...]:
    bell = [math.exp(-(offset**2) / (2 * _SIGMA**2)) for offset in range(-_RADIUS, _RADIUS + 1)]
    return tuple(value / sum(bell) for value in bell)


_WINDOW = _gaussian()


def ssim(pictures: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Measure the structural similarity (Wang et al. 2004) of pictures to their references.

    Gaussian window of 11 x 11 pixels, sigma 1.5, K1 = 0.01, K2 = 0.03, peak 1; the three channels are compared each by
    itself and averaged. Borders are treated as torchmetrics treats them: both pictures are continued by reflection
    over 5 pixels, so that every pixel is the centre of one window. (Wang's own code keeps to the windows that fit.)

    Computed in float64: the variances are differences of moments, and on flat bright areas float32 would lose 1e-4 of
    the result.

    Args:
        pictures: `[B, 3, H, W]`, floating point in [0, 1], H and W at least 6.
        reference: the same shape.

    Returns:
        One value per picture, `[B]` float32, in [-1, 1]; 1 for identical pictures.

    Raises:
        SpecError: the two differ in shape, or one is not such a batch.
    """
    pair = picture_pair(pictures, reference, _RADIUS + 1)
    x, y = (functional.pad(images.double(), (_RADIUS,) * 4, mode="reflect") for images in pair)
    mean_x, mean_y, xx, yy, xy = _smooth(torch.stack((x, y, x * x, y * y, x * y))).unbind()
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2 * (xy - mean_x * mean_y) + _C2) / ((xx - mean_x**2) + (yy - mean_y**2) + _C2)
    return (luminance * structure).mean(dim=(1, 2, 3)).float()


def _smooth(maps: torch.Tensor) -> torch.Tensor:
    """Average `[..., H + 10, W + 10]` over the window around each inner pixel: `[..., H, W]`.

    Weighted sums of shifted maps rather than a convolution, whose rounding may depend on the batch.
    """
    for dim in (-2, -1):
        size = maps.shape[dim] - 2 * _RADIUS
        shifted = maps.narrow(dim, 0, size) * _WINDOW[0]
        for start, weight in enumerate(_WINDOW[1:], 1):
            shifted = shifted.add(maps.narrow(dim, start, size), alpha=weight)
        maps = shifted
    return maps


METRIC = Metric(name="ssim", title="SSIM", digits=3, shown=False, load=lambda: ssim)
