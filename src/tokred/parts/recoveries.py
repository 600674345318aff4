"""How removed tokens come back: as a copy of another, as they were, or not at all."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tokred.errors import SpecError
from tokred.interfaces import Memory, MemorySpec, Recovery, Time
from tokred.reduction import Reduction


@dataclass(frozen=True)
class Copy:
    """Give each removed token the output of its destination."""

    def state_spec(self, shape: tuple[int, int, int]) -> MemorySpec:
        """Declare no memory."""
        return {}

    def observe(self, output: torch.Tensor, memory: Memory, time: Time, reduction: Reduction | None) -> None:
        """Remember nothing."""

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory, time: Time) -> torch.Tensor:
        """Copy the outputs `kept` `[B, K, C]` to all tokens, `[B, N, C]`."""
        return reduction.unmerge(kept)

    def recall(self, memory: Memory, time: Time) -> torch.Tensor:
        """Raise `SpecError`: nothing is remembered."""
        raise SpecError("Copy remembers no output that it could recall. Use Cached, Forecast or Delta.")


@dataclass(frozen=True)
class Cached:
    """Give each removed token its own output of the last dense call.

    Attributes:
        update: whether kept tokens are remembered at the calls between, too: removed ones then get their own output of
            the last call that computed them.
    """

    update: bool = False

    def state_spec(self, shape: tuple[int, int, int]) -> MemorySpec:
        """Declare one full-length output."""
        return {"output": shape}

    def observe(self, output: torch.Tensor, memory: Memory, time: Time, reduction: Reduction | None) -> None:
        """Remember `output` `[B, N, C]`."""
        memory["output"].copy_(output)

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory, time: Time) -> torch.Tensor:
        """Put the outputs `kept` `[B, K, C]` in their places among the remembered ones, `[B, N, C]`."""
        full = reduction.put(kept, memory["output"].to(kept.dtype, copy=True))
        if self.update:
            reduction.put(kept.detach().to(memory["output"].dtype), memory["output"])
        return full

    def recall(self, memory: Memory, time: Time) -> torch.Tensor:
        """Return the remembered output, `[B, N, C]`."""
        return memory["output"]


@dataclass(frozen=True)
class Untouched:
    """Give removed tokens an output of zeros, so that they pass the site as they are: for those that nobody reads.

    Attributes:
        model: how the output of the whole model comes back where it is skipped; None where it never is.
    """

    model: Recovery | None = None

    def state_spec(self, shape: tuple[int, int, int]) -> MemorySpec:
        """Declare no memory."""
        return {}

    def observe(self, output: torch.Tensor, memory: Memory, time: Time, reduction: Reduction | None) -> None:
        """Remember nothing."""

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory, time: Time) -> torch.Tensor:
        """Put the outputs `kept` `[B, K, C]` in their places among zeros, `[B, N, C]`."""
        return reduction.put(kept, kept.new_zeros(kept.shape[0], reduction.tokens, kept.shape[2]))

    def recall(self, memory: Memory, time: Time) -> torch.Tensor:
        """Raise `SpecError`: nothing is remembered."""
        raise SpecError("Untouched remembers no output that it could recall. Use Cached, Forecast or Delta.")
