"""Whether a classifier says what the dense one says."""

from __future__ import annotations

import torch

from tokred.errors import SpecError
from tokred.metrics.metric import Metric
from tokred.metrics.top1 import first_class


def agreement(scores: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Say which samples have the same class ranked first in both.

    Args:
        scores: `[B, K]`, floating point; higher is likelier.
        reference: the same shape.

    Returns:
        1 where the two agree and 0 elsewhere, `[B]` float32.

    Raises:
        SpecError: the two differ in shape, or one is not such a batch, or is not finite.
    """
    if scores.shape != reference.shape:
        raise SpecError(
            f"scores {list(scores.shape)} and reference {list(reference.shape)} must have the same shape. Compare the "
            "scores of the same pictures."
        )
    return (first_class("scores", scores) == first_class("reference", reference)).float()


METRIC = Metric(name="agreement", title="agreement", digits=3, of="scores", shown=False, load=lambda: agreement)
