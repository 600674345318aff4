"""How good the outputs of a run are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
        described: by metric of a whole set, what was computed of each output so far, `[B, ...]` of every batch.
    """

    def __init__(self, label: str, metrics: Mapping[Metric, Measure]) -> None:
        self.label = label
        self.metrics = metrics
        self.values: dict[str, list[float]] = {metric.name: [] for metric in metrics if not metric.overall}
        self.described: dict[str, list[torch.Tensor]] = {metric.name: [] for metric in metrics if metric.overall}

    def add(self, outputs: torch.Tensor, targets: Targets) -> None:
        """Measure a batch `[B, ...]`.

        Raises:
            SpecError: if a metric cannot take the outputs, such as pictures that are not finite.
        """
        try:
            for metric, measure in self.metrics.items():
                found = measured(metric, measure, outputs, targets[metric.against])
                if metric.overall:
                    self.described[metric.name].append(found.flatten(0, outputs.ndim - 4))
                else:
                    self.values[metric.name] += of_each(found).tolist()
        except SpecError as error:
            raise SpecError(f"The outputs of '{self.label}' cannot be measured: {error}") from error

    def scores(self) -> dict[str, Score]:
        """Summarise all outputs, by metric.

        Raises:
            SpecError: if there are too few for a metric of a whole set.
        """
        return {metric.name: self._score(metric) for metric in self.metrics}

    def _score(self, metric: Metric) -> Score:
        if metric.overall:
            return Score.overall(metric.overall(torch.cat(self.described[metric.name])))
        return Score.of(self.values[metric.name])


def measured(metric: Metric, measure: Measure, outputs: torch.Tensor, target: Any) -> torch.Tensor:
    """Return what is measured of each output, `[B, ...]`.

    Of the frames of clips, `[B, F, ...]`, where the metric is one of pictures.
    """
    if outputs.ndim < 5 or metric.of == "clips":
        return measure(outputs, target)
    frames = outputs.shape[1]
    flat = (
        target.flatten(0, 1) if isinstance(target, torch.Tensor) else [text for text in target for _ in range(frames)]
    )
    found = measure(outputs.flatten(0, 1), flat)
    return found.view(*outputs.shape[:2], *found.shape[1:])


def of_each(values: torch.Tensor) -> torch.Tensor:
    """Return a value for each output, `[B]`; of video `[B, F]` the mean over its frames."""
    return values if values.ndim == 1 else values.mean(dim=1)
