"""How far the error of a step carries to the final picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from tokred.tuning.ranking import squared_errors
from tokred.tuning.recording import Recording

PLACES = 9
"""Steps at which it is measured; those between are interpolated."""
ORDER = 1
"""Of the forecasts that it is measured by."""
LEAST = 1e-30
"""The squared length of an error that counts as none."""


def measure_carry(recording: Recording, draw: Callable[[tuple[bool, ...]], torch.Tensor]) -> torch.Tensor:
    """Skip one step alone, and see how large its error is in the picture, over how large it was.

    It holds what the sampler, later steps and the decoder make of an error: where early errors grow, theirs is large.

    Args:
        recording: of dense generations.
        draw: draws some of the recorded pictures by a schedule, whose forecasts are lines, and returns their PSNR in
            dB, of the first ones, `[R]`.

    Returns:
        `[n]`, float64; the first step is never skipped, and has the second one's.
    """
    steps, places = recording.steps, _places(recording.steps)
    logs = [_log_carry(recording, draw, dense) for dense in single_skips(steps)]
    return torch.from_numpy(np.exp(np.interp(np.arange(steps), places, logs)))


def single_skips(steps: int) -> list[tuple[bool, ...]]:
    """Return the schedules that are drawn for it: whether each step is dense, all but one."""
    return [tuple(step != skipped for step in range(steps)) for skipped in _places(steps)]


def _places(steps: int) -> list[int]:
    return sorted({round(place) for place in np.linspace(1, steps - 1, min(PLACES, steps - 1))})


def _log_carry(
    recording: Recording, draw: Callable[[tuple[bool, ...]], torch.Tensor], dense: tuple[bool, ...]
) -> float:
    psnr = draw(dense)
    ones = torch.ones(recording.steps, dtype=torch.float64)
    missed = squared_errors(recording, ones, torch.tensor([dense]), ORDER)[0, : len(psnr)]
    seen = 10 ** (-psnr.double() / 10)
    return float((seen.log() - missed.clamp(min=LEAST).log()).mean() / 2)
