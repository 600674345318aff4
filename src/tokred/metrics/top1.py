"""Whether a classifier is right."""

from __future__ import annotations

import torch

from tokred.errors import SpecError
from tokred.metrics.metric import Metric


def top1(scores: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Say which pictures have their true class ranked first.

    Args:
        scores: `[B, K]`, floating point; higher is likelier.
        classes: the true class of each, `[B]`, int64.

    Returns:
        1 where it is ranked first and 0 elsewhere, `[B]` float32.

    Raises:
        SpecError: the scores are not such a batch, or not finite, or there is another number of classes.

    Examples:
        >>> top1(torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1]))
        tensor([1., 0.])
    """
    first = first_class("scores", scores)
    if classes.shape != first.shape:
        raise SpecError(
            f"scores {list(scores.shape)} and classes {list(classes.shape)} must be of the same pictures: give one "
            "class for each row of scores."
        )
    return (first == classes).float()


def first_class(name: str, scores: torch.Tensor) -> torch.Tensor:
    """Return the class that each row of `scores` `[B, K]` ranks first, `[B]`."""
    if scores.ndim != 2:
        raise SpecError(f"{name} must have shape [B, K], one score for each class, not {list(scores.shape)}.")
    if not scores.isfinite().all():
        raise SpecError(f"{name} must be finite, but holds NaN or Infinity. Look at what the model computed.")
    return scores.argmax(dim=1)


METRIC = Metric(name="top1", title="top-1", digits=3, of="scores", against="truth", load=lambda: top1)
