"""The interface of a recovery: how the removed tokens come back."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch

from tokred.interfaces.memory import Memory, MemorySpec
from tokred.interfaces.time import Time
from tokred.reduction import Reduction


@runtime_checkable
class Recovery(Protocol):
    """Makes a site's full-length output from the output of its kept tokens.

    It works on anything with a row per image token: a site's output, an attention's keys and values, the output of the
    whole model.
    """

    def state_spec(self, shape: tuple[int, int, int]) -> MemorySpec:
        """Declare the memory that one site needs; empty when it needs none.

        Args:
            shape: `(B, N, C)` of the site's full-length output.

        Returns:
            The shape of each named tensor: `[B, N, C]` in the model's dtype, others in float32. They hold zeros at the
            start of a generation.
        """
        ...

    def observe(self, output: torch.Tensor, memory: Memory, time: Time, reduction: Reduction | None) -> None:
        """Remember a full-length output that was computed densely; called at every dense call, if there is memory.

        Args:
            output: `[B, N, C]`, not to be kept by reference.
            memory: the site's tensors, to be written in place.
            time: of the call.
            reduction: the correspondences that were made from this call; None where it made none.
        """
        ...

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory, time: Time) -> torch.Tensor:
        """Fill in the removed tokens.

        Args:
            kept: output of the kept tokens, `[B, K, C]`.
            reduction: which tokens these are.
            memory: the site's tensors; to be written in place by one that remembers reduced calls too.
            time: of the call.

        Returns:
            `[B, N, C]` in the dtype of `kept`, a new tensor: the site may write to it.
        """
        ...

    def recall(self, memory: Memory, time: Time) -> torch.Tensor:
        """Say what every output is where no token was computed: at ratio 1, and as the forecast that is compared.

        Args:
            memory: the site's tensors, of one dense call at least, to be read only.
            time: of the call.

        Returns:
            `[B, N, C]`; may be a tensor of `memory`, so it is not to be written to.

        Raises:
            SpecError: if it has no memory.
        """
        ...
