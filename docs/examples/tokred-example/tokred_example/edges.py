"""A metric: how far the edges of pictures are from those of the dense ones."""

import torch

from tokred.metrics import Metric


def edge_error(pictures: torch.Tensor, dense: torch.Tensor) -> torch.Tensor:
    """Return the mean absolute difference of both differences of neighbours, `[B]`; of `[B, 3, H, W]` in [0, 1]."""
    error = pictures - dense
    return error.diff(dim=2).abs().mean(dim=(1, 2, 3)) + error.diff(dim=3).abs().mean(dim=(1, 2, 3))


METRIC = Metric(name="edges", title="edges", digits=4, higher=False, load=lambda: edge_error)
