"""How removed tokens come back."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tokred.interfaces import Memory
from tokred.reduction import Reduction


@dataclass(frozen=True)
class Copy:
    """Give each removed token the output of its destination."""

    def state_spec(self, shape: tuple[int, int, int]) -> dict[str, tuple[int, ...]]:
        """Declare no memory."""
        return {}

    def observe(self, output: torch.Tensor, memory: Memory) -> None:
        """Remember nothing."""

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory) -> torch.Tensor:
        """Copy the outputs `kept` `[B, K, C]` to all tokens, `[B, N, C]`."""
        return reduction.unmerge(kept)


@dataclass(frozen=True)
class Cached:
    """Give each removed token its own output of the last dense call."""

    def state_spec(self, shape: tuple[int, int, int]) -> dict[str, tuple[int, ...]]:
        """Declare one full-length output."""
        return {"output": shape}

    def observe(self, output: torch.Tensor, memory: Memory) -> None:
        """Remember `output` `[B, N, C]`."""
        memory["output"].copy_(output)

    def recall(self, memory: Memory) -> torch.Tensor:
        """Return the remembered output, `[B, N, C]`."""
        return memory["output"]

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory) -> torch.Tensor:
        """Put the outputs `kept` `[B, K, C]` in their places among the remembered ones, `[B, N, C]`."""
        return torch.where(reduction.is_kept.unsqueeze(-1), reduction.unmerge(kept), memory["output"])
