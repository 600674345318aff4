"""MagCache: steps are skipped while the model's residual keeps its magnitude."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from typing import Any

from tokred.baselines.caching import Generation, caching
from tokred.baselines.hosting import make_config
from tokred.errors import SpecError
from tokred.parts.checks import check_at_least


@dataclass(frozen=True)
class MagCache:
    """Use the residual of all blocks again until its magnitude is off; diffusers' `MagCacheConfig`.

    It has to be calibrated on the model, see `calibrated`.

    Attributes:
        threshold: error up to which steps are skipped, as added up from the calibrated magnitudes; at least 0.
        most: steps skipped in a row at most, at least 1.
        dense_share: share of the steps that are computed at the start, in [0, 1].
        ratios: magnitude of the residual at each step over that at the step before; from `calibrated`.
    """

    threshold: float = 0.06
    most: int = 3
    dense_share: float = 0.2
    ratios: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        check_at_least("most", self.most, 1, "the steps skipped in a row")
        if not self.threshold >= 0:
            raise SpecError(f"threshold={self.threshold} must be at least 0: up to that error, steps are skipped.")
        if not 0 <= self.dense_share <= 1:
            raise SpecError(f"dense_share={self.dense_share} must be in [0, 1]: the share of steps computed at first.")

    def steps(self, steps: int) -> int:
        """Return all of them."""
        return steps

    def calibrated(self, pipe: Any, generate: Callable[[], object]) -> MagCache:
        """Return it with the ratios of a dense generation, as diffusers prints them; see `Calibrated`.

        Where guidance branches are called apart, the ratios are those of the one that is called first.
        """
        printed = StringIO()
        with caching(pipe, "mag_cache", _calibration), redirect_stdout(printed):
            generate()
        lists = [line for line in printed.getvalue().splitlines() if line.startswith("[") and line.endswith("]")]
        return replace(self, ratios=tuple(json.loads(lists[0])))

    def applied(self, pipe: Any) -> AbstractContextManager[None]:
        """Cache inside the `with` block; see `Baseline`.

        Raises:
            SpecError: in a generation, if there are no ratios.
        """
        return caching(pipe, "mag_cache", self._config)

    def _config(self, generation: Generation) -> Any:
        if not self.ratios and generation.begun:
            raise SpecError("mag_cache has no ratios for this model. Use what its calibrated(pipe, generate) returns.")
        if not self.ratios:
            return _calibration(generation)  # only to see whether the model is accepted
        return make_config(
            "MagCacheConfig",
            threshold=self.threshold,
            max_skip_steps=self.most,
            retention_ratio=self.dense_share,
            num_inference_steps=generation.steps,
            mag_ratios=list(self.ratios),
        )


def _calibration(generation: Generation) -> Any:
    return make_config("MagCacheConfig", calibrate=True, num_inference_steps=generation.steps)
