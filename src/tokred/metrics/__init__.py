"""What is measured, one value per sample, and how far the mean of such values can be trusted."""

from __future__ import annotations

from tokred.metrics.agreement import agreement
from tokred.metrics.cosine import cosine
from tokred.metrics.interval import interval95
from tokred.metrics.lpips import Lpips
from tokred.metrics.metric import Against, Measure, Metric, Outputs
from tokred.metrics.paired import Paired
from tokred.metrics.psnr import IDENTICAL_PSNR, psnr
from tokred.metrics.psnr_changes import psnr_changes
from tokred.metrics.psnr_foreground import psnr_foreground
from tokred.metrics.ssim import ssim
from tokred.metrics.top1 import top1
from tokred.metrics.wilcoxon import wilcoxon

__all__ = [
    "IDENTICAL_PSNR",
    "Against",
    "Lpips",
    "Measure",
    "Metric",
    "Outputs",
    "Paired",
    "agreement",
    "cosine",
    "interval95",
    "psnr",
    "psnr_changes",
    "psnr_foreground",
    "ssim",
    "top1",
    "wilcoxon",
]
