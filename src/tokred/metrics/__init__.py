"""What is measured on pictures, one value per sample, and how far the mean of such values can be trusted."""

from __future__ import annotations

from tokred.metrics.interval import interval95
from tokred.metrics.lpips import Lpips
from tokred.metrics.psnr import IDENTICAL_PSNR, psnr
from tokred.metrics.ssim import ssim

__all__ = ["IDENTICAL_PSNR", "Lpips", "interval95", "psnr", "ssim"]
