"""The noise levels that a sampler was given, and at which of them it calls the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

SAME = 1e-4
"""Sigmas closer than this share of them are one: samplers compute with them in single precision."""


class NoiseLevels:
    """Knows the steps of a sampler by its sigmas.

    A step is all calls at one noise level, and those between it and the next: the model is called there once by a
    sampler of first order; Heun's and its like come back to a level that an earlier step has looked ahead to.

    Args:
        sigmas: those that the sampler was given, falling; it ends at the last.
    """

    def __init__(self, sigmas: Sequence[float]) -> None:
        self.sigmas = list(sigmas)
        self.steps = max(len(self.sigmas) - 1, 1)
        self._reached: set[int] = set()

    def step(self, sigma: float) -> int:
        """Return the index of the step that a call at `sigma` belongs to, from 0."""
        at = next((place for place, level in enumerate(self.sigmas) if _same(level, sigma)), None)
        above = sum(level > sigma for level in self.sigmas) - 1
        return min(max(above if at is None else at, 0), self.steps - 1)

    def kept_to(self, sigma: float) -> bool:
        """Note a call; return False where the sampler reaches a step at another sigma than that it was given."""
        step = self.step(sigma)
        if step == 0 or _same(self.sigmas[step], sigma):
            self._reached.add(step)
        return step in self._reached


def noise_shares(model_sampling: Any, levels: NoiseLevels) -> tuple[float, ...]:
    """Return the share of noise at each step; see `noise_share`."""
    return tuple(noise_share(model_sampling, sigma) for sigma in levels.sigmas[: levels.steps])


def noise_share(model_sampling: Any, sigma: float) -> float:
    """Return `sigma / (alpha + sigma)`, the share of noise in what the sampler draws on at `sigma`.

    Args:
        model_sampling: ComfyUI's; its own mixture of noise and picture says what a sigma means.
        sigma: as the sampler has it.
    """
    import torch

    level, one, none = torch.tensor(sigma), torch.ones(1), torch.zeros(1)
    noise = float(model_sampling.noise_scaling(level, one.clone(), none.clone()))
    picture = float(model_sampling.noise_scaling(level, none.clone(), one.clone()))
    return min(max(noise / (noise + picture), 0.0), 1.0)


def _same(level: float, sigma: float) -> bool:
    return math.isclose(level, sigma, rel_tol=SAME)
