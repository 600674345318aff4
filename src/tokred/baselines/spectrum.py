"""Spectrum: polynomials fitted to all outputs so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch

from tokred.baselines.skipping import EveryFew, Output, skipping
from tokred.errors import SpecError
from tokred.parts.checks import check_at_least


@dataclass(frozen=True)
class Spectrum:
    """At skipped steps mix the last output with Chebyshev polynomials, fitted by ridge regression to all computed ones.

    Written from a description in a line, so a reconstruction. The polynomials run over the sampler's own time.

    Attributes:
        interval: steps from one computed step to the next, at least 2.
        dense_first: computed steps at the start, at least 1.
        degree: of the polynomials, at least 1.
        ridge: weight of the coefficients' squares in the fit, above 0.
        mix: share of the polynomials, in [0, 1]; the rest is the last computed output.
    """

    interval: int = 3
    dense_first: int = 4
    degree: int = 4
    ridge: float = 0.1
    mix: float = 0.5

    def __post_init__(self) -> None:
        check_at_least("interval", self.interval, 2, "the steps from one computed step to the next")
        check_at_least("dense_first", self.dense_first, 1, "the steps computed at the start")
        check_at_least("degree", self.degree, 1, "the degree of the polynomials")
        if not self.ridge > 0:
            raise SpecError(f"ridge={self.ridge} must be above 0: without it few outputs leave the fit open.")
        if not 0 <= self.mix <= 1:
            raise SpecError(f"mix={self.mix} must be in [0, 1]: the share of the polynomials.")

    def steps(self, steps: int) -> int:
        """Return all of them."""
        return steps

    def applied(self, pipe: Any) -> AbstractContextManager[None]:
        """Skip steps inside the `with` block; see `Baseline`."""
        return skipping(pipe, "spectrum", EveryFew(self.interval, self.dense_first), self._predict)

    def _predict(self, seen: Sequence[Output], place: float) -> torch.Tensor:
        computed = [output for output in seen if output.computed]
        weights = self._weights([output.place for output in computed], place)
        fitted = sum(weight * output.value for weight, output in zip(weights, computed, strict=True))
        return torch.lerp(computed[-1].value, torch.as_tensor(fitted), self.mix)

    def _weights(self, places: Sequence[float], place: float) -> list[float]:
        """Return how much the output at each place counts in what the polynomials are at `place`."""
        known, wanted = self._polynomials(places), self._polynomials([place])
        squares = known.T @ known + self.ridge * torch.eye(self.degree + 1, dtype=torch.float64)
        weights: list[float] = (wanted @ torch.linalg.solve(squares, known.T))[0].tolist()
        return weights

    def _polynomials(self, places: Sequence[float]) -> torch.Tensor:
        """Return the Chebyshev polynomials of degrees from 0 at places in [-1, 1], `[places, degree + 1]`."""
        angles = [math.acos(min(max(place, -1.0), 1.0)) for place in places]
        rows = [[math.cos(n * angle) for n in range(self.degree + 1)] for angle in angles]
        return torch.tensor(rows, dtype=torch.float64)
