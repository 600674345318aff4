"""Matchers after which a model should compute what it computes densely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from tokred.interfaces import Draw, Memory, Similarity
from tokred.layout import Layout
from tokred.parts.stateless import Stateless
from tokred.reduction import Reduction


@dataclass(frozen=True)
class AnyOrder(Stateless):
    """Keeps every token, in an order drawn for each sample, whatever it was asked to remove."""

    max_ratio: ClassVar[float] = 1.0

    def capacity(self, layout: Layout) -> int:
        """Return N."""
        return layout.image

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """Draw an order for each of three samples."""
        return (torch.stack([torch.randperm(layout.image, generator=generator) for _ in range(3)]),)

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Reorder; of `features` `[B, N, C]` only B is read."""
        order = draw[0][: len(features)]
        return Reduction(kept=order, assign=order.argsort(dim=1))


@dataclass(frozen=True)
class Neighbours(Stateless):
    """Removes every second token into the one before it."""

    max_ratio: ClassVar[float] = 0.5

    def capacity(self, layout: Layout) -> int:
        """Return N / 2."""
        return layout.image // 2

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Pair the tokens; of `features` `[B, N, C]` only N is read."""
        src = torch.arange(1, features.shape[1], 2)[None]
        return Reduction.from_pairs(features.shape[1], src=src, dst=src - 1)
