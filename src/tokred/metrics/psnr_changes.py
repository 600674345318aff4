"""Peak signal-to-noise ratio of what changes from frame to frame."""

from __future__ import annotations

import torch

from tokred.errors import SpecError
from tokred.metrics.metric import Metric
from tokred.metrics.pictures import picture_pair
from tokred.metrics.psnr import decibels


def psnr_changes(clips: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Measure how far clips flicker: `psnr` of the differences between neighbouring frames, for a peak of 1.

    An error that stays where it is costs nothing; one that comes and goes does, as the eye has it.

    Args:
        clips: `[B, F, 3, H, W]`, floating point in [0, 1].
        reference: the same shape.

    Returns:
        One value per clip, `[B]` float32, in dB, at most `IDENTICAL_PSNR`.

    Raises:
        SpecError: the two differ in shape, or one is no such batch, or has one frame only.

    Examples:
        >>> clips = torch.zeros(1, 2, 3, 8, 8)
        >>> clips[:, 1] = 0.1
        >>> psnr_changes(clips, torch.zeros(1, 2, 3, 8, 8))
        tensor([20.])
    """
    if clips.ndim != 5 or clips.shape[1] < 2:
        raise SpecError(f"clips must have shape [B, F, 3, H, W] and two frames or more, not {list(clips.shape)}.")
    pair = picture_pair(clips.flatten(0, 1), reference.flatten(0, -4))
    x, y = (frames.view(clips.shape).diff(dim=1) for frames in pair)
    return decibels((x - y).square().mean(dim=(1, 2, 3, 4)))


METRIC = Metric(name="psnr_changes", title="PSNR over time", unit="dB", digits=1, of="clips", load=lambda: psnr_changes)
