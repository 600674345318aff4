"""How far pictures are from the dense ones."""

from __future__ import annotations

from collections.abc import Callable

import torch

from tokred.bench.result import Score
from tokred.errors import SpecError
from tokred.metrics import Lpips, psnr, ssim

Metric = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Quality:
    """Collects what each metric says of a run's pictures, batch by batch.

    Args:
        label: what messages call the run.
        lpips: the metric that has weights.

    Attributes:
        values: by metric, one value for each picture so far.
    """

    def __init__(self, label: str, lpips: Lpips) -> None:
        self.label = label
        self.metrics: dict[str, Metric] = {"psnr": psnr, "ssim": ssim, "lpips": lpips}
        self.values: dict[str, list[float]] = {name: [] for name in self.metrics}

    def add(self, pictures: torch.Tensor, reference: torch.Tensor) -> None:
        """Compare a batch `[B, 3, H, W]` with the dense pictures of the same seeds.

        Raises:
            SpecError: if a metric cannot take them, such as pictures that are not finite.
        """
        try:
            for name, metric in self.metrics.items():
                self.values[name] += metric(pictures, reference).tolist()
        except SpecError as error:
            raise SpecError(f"The pictures of '{self.label}' cannot be compared: {error}") from error

    def scores(self) -> dict[str, Score]:
        """Summarise all pictures, by metric."""
        return {name: Score.of(values) for name, values in self.values.items()}
