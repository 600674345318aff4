"""Promises of a metric."""

from __future__ import annotations

from typing import Any

import torch

from tokred.metrics import Metric
from tokred.testing.check import Specimen, Stage, demand

SAMPLES = 3
PROMPTS = ("a fox", "a red apple", "a house by the sea")
SHAPES = {"pictures": (3, 40, 40), "clips": (3, 3, 40, 40), "scores": (5,), "features": (8,)}


def metric_stages(specimen: Specimen) -> list[Stage]:
    """Compare outputs with others, or classes that are true for some."""
    return [Stage("measure", _outputs(specimen.make()), _perform)]


def values_are_one_per_sample(specimen: Specimen) -> None:
    """It gives one finite value for each sample, `[B]`, which no other sample of the batch has a part in."""
    metric = specimen.make()
    outputs = _outputs(metric)
    values = _perform(metric, outputs, False)
    right = values.shape[:1] == (SAMPLES,) and (values.ndim == 1 or metric.overall is not None)
    demand(right, f"its values are {list(values.shape)}, and samples {SAMPLES}.")
    demand(bool(values.isfinite().all()), f"its values are {values.tolist()}: not all are finite.")
    alone = _measured(metric, outputs[:1], _targets(metric, outputs)[:1])
    demand(torch.allclose(alone, values[:1], rtol=1e-4, atol=1e-5), "the first sample has another value alone.")


def what_is_compared_with_itself_is_best(specimen: Specimen) -> None:
    """No outputs are better than those that they are compared with, and worse ones have worse values."""
    metric = specimen.make()
    if metric.against == "prompt":
        return  # a picture is no text
    outputs = _outputs(metric)
    best = outputs.argmax(1) if metric.against == "truth" else outputs
    equal = _number(metric, _measured(metric, outputs, best))
    other = _number(metric, _measured(metric, outputs.flip(1) if outputs.ndim == 2 else 1 - outputs, best))
    better = equal > other if metric.higher else equal < other
    demand(bool(better), f"equal outputs have {equal:g} and others {other:g}, and higher={metric.higher}.")


def _outputs(metric: Metric) -> torch.Tensor:
    """Return what a model may have made, `[B, ...]`."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(SAMPLES, *SHAPES[metric.of], generator=generator)


def _number(metric: Metric, values: torch.Tensor) -> float:
    """Return what it says of all samples."""
    return metric.overall(values) if metric.overall else float(values.mean())


def _targets(metric: Metric, outputs: torch.Tensor) -> Any:
    """Return what outputs are compared with: others of their kind, classes `[B]`, or texts."""
    if metric.against == "prompt":
        return PROMPTS
    return torch.arange(SAMPLES) if metric.against == "truth" else _outputs(metric).flip(0)


def _perform(metric: Any, x: torch.Tensor, compiled: bool) -> torch.Tensor:
    return _measured(metric, x, _targets(metric, x))


@torch.no_grad()
def _measured(metric: Metric, outputs: torch.Tensor, targets: Any) -> torch.Tensor:
    return metric.load()(outputs, targets)
