"""Whether features point where the dense ones do."""

from __future__ import annotations

import torch
from torch.nn import functional

from tokred.errors import SpecError
from tokred.metrics.metric import Metric


def cosine(features: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Measure the cosine of each sample's features and its reference's.

    Args:
        features: `[B, C]`, floating point.
        reference: the same shape.

    Returns:
        One value per sample, `[B]` float32, in [-1, 1]; 1 where they point the same way.

    Raises:
        SpecError: the two differ in shape, or one is not such a batch, or is not finite.

    Example:
        >>> cosine(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 0.0]]))
        tensor([1.])
    """
    for name, x in {"features": features, "reference": reference}.items():
        if x.ndim != 2 or x.shape != reference.shape:
            raise SpecError(f"{name} {list(x.shape)} must have shape [B, C], as the reference {list(reference.shape)}.")
        if not x.isfinite().all():
            raise SpecError(f"{name} must be finite, but holds NaN or Infinity. Look at what the model computed.")
    return functional.cosine_similarity(features.double(), reference.double(), dim=1).float()


METRIC = Metric(name="cosine", title="cosine", digits=4, of="features", load=lambda: cosine)
