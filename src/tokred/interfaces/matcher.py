"""The interface of a matcher: which tokens are removed, and into which."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch

from tokred.interfaces.memory import Memory, MemorySpec
from tokred.interfaces.similarity import Similarity
from tokred.layout import Layout
from tokred.reduction import Reduction

Draw = tuple[torch.Tensor, ...]
"""What a matcher drew for a match."""


@runtime_checkable
class Matcher(Protocol):
    """Chooses the tokens to remove and a destination for each.

    Work is split in two: `draw` makes every random or layout-dependent choice in plain Python, outside compiled
    code; `match` reads the drawn tensors and the features, and its output sizes follow from `r` alone.
    """

    @property
    def max_ratio(self) -> float:
        """The largest share of the image tokens that it can remove, in [0, 1]."""
        ...

    def capacity(self, layout: Layout) -> int:
        """Return how many tokens can be removed from this layout at most; 0 where it fits no destination."""
        ...

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """Make the choices that need no features, and hand on what else `match` reads, such as trained weights.

        Args:
            layout: how the call's tokens are made up.
            r: number of tokens to remove, from 1 to the layout's capacity.
            generator: the only source of randomness, on the CPU; the global generators are never touched.

        Returns:
            CPU tensors, handed to `match` on the model's device.
        """
        ...

    def state_spec(self, shape: tuple[int, int]) -> MemorySpec:
        """Declare what it remembers from match to match, in float32; empty when nothing.

        Args:
            shape: `(B, N)`: samples with correspondences of their own, and image tokens.

        Returns:
            The shape of each named tensor. They hold zeros at the start of a generation.
        """
        ...

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Pair each token to remove with its destination.

        Args:
            features: the similarity's signal for all image tokens, `[B, N, C]`.
            draw: what `draw` returned, on the device of `features`.
            r: number of tokens to remove.
            similarity: scores the pairs.
            memory: the site's tensors, to be written in place.

        Returns:
            A reduction of N to N - r tokens.
        """
        ...


@runtime_checkable
class DrawsTogether(Protocol):
    """What a matcher has besides that can draw for several matches at once, which saves the host time."""

    def draw_together(self, layout: Layout, r: int, generator: torch.Generator, count: int) -> Draw:
        """Draw what as many calls of `draw` would, one after the other.

        Args:
            layout: see `Matcher.draw`.
            r: likewise.
            generator: likewise.
            count: number of matches, at least 1.

        Returns:
            Each tensor that `draw` returns, those of all matches along a first axis of length `count`.
        """
        ...


@runtime_checkable
class Counting(Protocol):
    """What a matcher has besides that says itself how many tokens go, where a plan is `counted`."""

    def count(self, features: torch.Tensor, layout: Layout) -> int:
        """Return how many tokens to remove, from 0 to the layout's capacity; outside compiled code.

        Args:
            features: those that `match` will see, `[B, N, C]`; of samples that share correspondences, all in one.
            layout: how the call's tokens are made up.

        Raises:
            UnsupportedModel: if it can choose none of such a layout.
        """
        ...


@runtime_checkable
class Trained(Protocol):
    """What a matcher has besides whose weights were trained: it takes tokens of one width only."""

    @property
    def width(self) -> int:
        """Channels of the features that it takes, C; `tokred.apply` refuses a model whose tokens have others."""
        ...
