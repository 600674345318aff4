"""How much a model draws from memory: the training picture nearest to each generated one."""

from __future__ import annotations

import torch

from data import LabelledImages


def nearest(pictures: torch.Tensor, data: LabelledImages) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the training picture nearest to each of `pictures`, mirror images included if they were trained on.

    Args:
        pictures: `[B, 3, H, W]` in [0, 1].
        data: the training pictures.

    Returns:
        The class of each nearest picture, `[B]`, and its PSNR in dB, `[B]`.
    """
    known, labels = data.images.float() / 255, data.labels
    if data.mirror:
        known, labels = torch.cat([known, known.flip(-1)]), labels.repeat(2)
    error = torch.stack([(known - picture).square().mean(dim=(1, 2, 3)) for picture in pictures])
    lowest = error.min(dim=1)
    return labels[lowest.indices], -10 * lowest.values.log10()
