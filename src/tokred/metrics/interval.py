"""How far a mean of few values can be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from tokred.errors import SpecError

_RESAMPLES = 10_000
_CHUNK = 100  # resamples drawn at once, which bounds the memory


def interval95(values: Sequence[float]) -> tuple[float, float]:
    """Estimate a 95 % interval of the mean of `values`: the bootstrap's percentiles 2.5 and 97.5.

    10,000 resamples are drawn by a generator of its own with a fixed seed, so that the same values always give the
    same interval and no global random state is touched. With few values it is too narrow, as the bootstrap is: of
    simulated normal samples, 89 in 100 intervals of 10 values hold the true mean, and 94 in 100 of 40 values.

    Args:
        values: one measurement each, finite; at least one.

    Returns:
        Lower and upper end, in the unit of the values. One value `v` gives `(v, v)`.

    Raises:
        SpecError: `values` is empty, or holds one that is not finite.
    """
    if len(values) == 0:
        raise SpecError("values must hold at least one number, but is empty. Measure something first.")
    for index, value in enumerate(values):
        if not math.isfinite(value):
            raise SpecError(f"values[{index}] = {value} must be finite. Leave it out, and report how many were.")
    sample = torch.tensor(values, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    means = [_resampled_means(sample, generator) for _ in range(_RESAMPLES // _CHUNK)]
    low, high = torch.cat(means).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return low, high


def _resampled_means(sample: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draw `[_CHUNK]` means of as many values as `sample` `[n]` has, with replacement."""
    index = torch.randint(len(sample), (_CHUNK, len(sample)), generator=generator)
    return sample[index].mean(dim=1)
