"""A metric in one file: what somebody else would ship."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from tokred import Component, hookimpl
from tokred.metrics import Metric


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the metric."""
    yield Component("metric", "dimmer", "tokred_dimmer:METRIC", "how much darker than dense")


def dimmer(pictures: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Return the mean fall in brightness, `[B]`."""
    return (reference - pictures).mean(dim=(1, 2, 3))


METRIC = Metric(name="dimmer", title="dimmer", digits=4, higher=False, load=lambda: dimmer)
