"""How good the outputs of a run are."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from tokred.bench.measures import Targets
from tokred.bench.result import Score
from tokred.errors import SpecError
from tokred.metrics import Measure, Metric


class Quality:
    """Collects what each metric says of a run's outputs, batch by batch.

    Args:
        label: what messages call the run.
        metrics: what is measured, each with what computes it.

    Attributes:
        values: by metric, one value for each output so far.
    """

    def __init__(self, label: str, metrics: Mapping[Metric, Measure]) -> None:
        self.label = label
        self.metrics = metrics
        self.values: dict[str, list[float]] = {metric.name: [] for metric in metrics}

    def add(self, outputs: torch.Tensor, targets: Targets) -> None:
        """Measure a batch `[B, ...]`.

        Raises:
            SpecError: if a metric cannot take the outputs, such as pictures that are not finite.
        """
        try:
            for metric, measure in self.metrics.items():
                self.values[metric.name] += _measured(measure, outputs, targets[metric.against]).tolist()
        except SpecError as error:
            raise SpecError(f"The outputs of '{self.label}' cannot be measured: {error}") from error

    def scores(self) -> dict[str, Score]:
        """Summarise all outputs, by metric."""
        return {name: Score.of(values) for name, values in self.values.items()}


def _measured(measure: Measure, outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return a value for each output, `[B]`; of video `[B, F, 3, H, W]` the mean over its frames."""
    if outputs.ndim < 5:
        return measure(outputs, target)
    return measure(outputs.flatten(0, 1), target.flatten(0, 1)).view(outputs.shape[:2]).mean(dim=1)
