"""What parts are checked on."""

from __future__ import annotations

import torch

from tokred.layout import Layout
from tokred.reduction import Reduction

LAYOUT = Layout(grids=((4, 4), (4, 4)), roles=("target", "reference"))
DTYPES = (torch.float32, torch.float16, torch.bfloat16)


def features(batch: int = 3, tokens: int = LAYOUT.image, channels: int = 8, seed: int = 0) -> torch.Tensor:
    """Make random features `[B, N, C]`."""
    return torch.randn(batch, tokens, channels, generator=torch.Generator().manual_seed(seed))


def devices() -> list[str]:
    """List the kinds of device to try."""
    return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


def reduction(rows: int, tokens: int = LAYOUT.image, removed: int = 10) -> Reduction:
    """Make random correspondences, others for each of so many samples."""
    generator = torch.Generator().manual_seed(1)
    order = torch.stack([torch.randperm(tokens, generator=generator) for _ in range(rows)])
    kept = torch.randint(removed, tokens, (rows, removed), generator=generator)
    return Reduction.from_pairs(tokens, src=order[:, :removed], dst=order.gather(1, kept))
