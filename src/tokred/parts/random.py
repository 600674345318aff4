"""Pairs drawn at random, the floor that every method has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from tokred.interfaces import Draw, Memory, Similarity
from tokred.layout import Layout
from tokred.parts.stateless import Stateless
from tokred.reduction import Reduction


@dataclass(frozen=True)
class RandomMatcher(Stateless):
    """Remove r random tokens, each into a random one of those that are kept; no features are read.

    The pairs are shared by the batch.
    """

    max_ratio: ClassVar[float] = 1.0

    def capacity(self, layout: Layout) -> int:
        """Return N - 1: one token has to stay."""
        return layout.image - 1

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """Draw the removed tokens and their destinations, both `[1, r]`."""
        order = torch.randperm(layout.image, generator=generator)
        kept = order[r:]
        return order[None, :r], kept[torch.randint(len(kept), (1, r), generator=generator)]

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Build the reduction that was drawn; of `features` `[B, N, C]` only N is read."""
        return Reduction.from_pairs(features.shape[1], *draw)
