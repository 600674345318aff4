"""What is measured on the scores of a classifier."""

from __future__ import annotations

import torch

from tokred.errors import SpecError


def top1(scores: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Say which pictures have their true class ranked first.

    Args:
        scores: `[B, K]`, floating point; higher is likelier.
        classes: the true class of each, `[B]`, int64.

    Returns:
        1 where it is ranked first and 0 elsewhere, `[B]` float32.

    Raises:
        SpecError: the scores are no such batch, or not finite, or there is another number of classes.

    Examples:
        >>> top1(torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1]))
        tensor([1., 0.])
    """
    first = _first_class("scores", scores)
    if classes.shape != first.shape:
        raise SpecError(
            f"scores {list(scores.shape)} and classes {list(classes.shape)} must be of the same pictures: give one "
            "class for each row of scores."
        )
    return (first == classes).float()


def agreement(scores: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Say which pictures have the same class ranked first in both.

    Args:
        scores: `[B, K]`, floating point; higher is likelier.
        reference: the same shape.

    Returns:
        1 where the two agree and 0 elsewhere, `[B]` float32.

    Raises:
        SpecError: the two differ in shape, or one is no such batch, or is not finite.
    """
    if scores.shape != reference.shape:
        raise SpecError(
            f"scores {list(scores.shape)} and reference {list(reference.shape)} must have the same shape. Compare the "
            "scores of the same pictures."
        )
    return (_first_class("scores", scores) == _first_class("reference", reference)).float()


def _first_class(name: str, scores: torch.Tensor) -> torch.Tensor:
    """Return the class that each row of `scores` `[B, K]` ranks first, `[B]`."""
    if scores.ndim != 2:
        raise SpecError(f"{name} must have shape [B, K], one score for each class, not {list(scores.shape)}.")
    if not scores.isfinite().all():
        raise SpecError(f"{name} must be finite, but holds NaN or Infinity. Look at what the model computed.")
    return scores.argmax(dim=1)
