"""A recovery between a copy and a cache."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tokred.errors import SpecError
from tokred.interfaces import Memory, MemorySpec, Time
from tokred.reduction import Reduction


@dataclass(frozen=True)
class Blend:
    """Copy to merged tokens their destination's output, mixed with what their own was at the last dense step.

    Destinations are merged tokens too (SDTM: Fang et al., CVPR 2025).

    Attributes:
        new: weight of the copied output, in [0, 1].
    """

    new: float

    def __post_init__(self) -> None:
        if not isinstance(self.new, int | float) or not 0 <= self.new <= 1:
            raise SpecError(f"new={self.new!r} must be in [0, 1]: the weight of the output beside the cached one.")

    def state_spec(self, shape: tuple[int, int, int]) -> MemorySpec:
        """Declare one full-length output."""
        return {"output": shape}

    def observe(self, output: torch.Tensor, memory: Memory, time: Time, reduction: Reduction | None) -> None:
        """Remember `output` `[B, N, C]`."""
        memory["output"].copy_(output)

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory, time: Time) -> torch.Tensor:
        """Copy the outputs `kept` `[B, K, C]` to all tokens and blend those of merged ones, `[B, N, C]`."""
        copied = reduction.unmerge(kept)
        cached = memory["output"].to(copied.dtype)  # under autocast it may be another
        return torch.where(reduction.is_merged.unsqueeze(2), torch.lerp(cached, copied, self.new), copied)

    def recall(self, memory: Memory, time: Time) -> torch.Tensor:
        """Return the remembered output `[B, N, C]`."""
        return memory["output"]
