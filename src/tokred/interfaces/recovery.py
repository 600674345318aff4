"""The interface of a recovery: how the removed tokens come back."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch

from tokred.interfaces.memory import Memory
from tokred.reduction import Reduction


@runtime_checkable
class Recovery(Protocol):
    """Makes a site's full-length output from the output of its kept tokens."""

    def state_spec(self, shape: tuple[int, int, int]) -> dict[str, tuple[int, ...]]:
        """Declare the memory that one site needs, in the dtype of its output; empty when it needs none.

        Args:
            shape: `(B, N, C)` of the site's full-length output.

        Returns:
            The shape of each named tensor. They hold zeros at the start of a generation.
        """
        ...

    def observe(self, output: torch.Tensor, memory: Memory) -> None:
        """Remember a full-length output that was computed densely; called only when there is memory.

        Args:
            output: `[B, N, C]`, not to be kept by reference.
            memory: the site's tensors, to be written in place.
        """
        ...

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory) -> torch.Tensor:
        """Fill in the removed tokens.

        Args:
            kept: output of the kept tokens, `[B, K, C]`.
            reduction: which tokens these are.
            memory: the site's tensors.

        Returns:
            `[B, N, C]`.
        """
        ...
