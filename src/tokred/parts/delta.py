"""Removed tokens that change as their destinations do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch

from tokred.errors import SpecError
from tokred.interfaces import Memory, MemorySpec, Recovery, Time
from tokred.parts.recoveries import Cached
from tokred.reduction import Reduction


@dataclass(frozen=True)
class Delta:
    """Give each removed token its own forecast, corrected by what the forecast of its destination missed.

    Token i that follows token d gets `base_i(t) + g_i * (y_d(t) - base_d(t))`, where base is another recovery's recall.

    Attributes:
        base: what is expected of each token: `Cached()`, its last dense output, or a `Forecast`.
        gain: g: a number for all tokens, or "fitted": for each token the one that would have been best at the last
            dense step that matched, `<e_i, e_d> / <e_d, e_d>` over its forecast errors e; 1 where these say nothing.
    """

    base: Recovery = field(default_factory=Cached)
    gain: float | Literal["fitted"] = 1.0

    def __post_init__(self) -> None:
        if not self.base.state_spec((1, 1, 1)):
            raise SpecError(f"base={self.base!r} remembers nothing to start from. Use Cached() or Forecast().")
        if self.gain != "fitted" and not isinstance(self.gain, int | float):
            raise SpecError(f"gain={self.gain!r} must be a number or 'fitted'.")

    def state_spec(self, shape: tuple[int, int, int]) -> MemorySpec:
        """Declare the base's memory and, where it is fitted, a gain for each token."""
        fitted: MemorySpec = {"gain": shape[:2], "begun": ()} if self.gain == "fitted" else {}
        return self.base.state_spec(shape) | fitted

    def observe(self, output: torch.Tensor, memory: Memory, time: Time, reduction: Reduction | None) -> None:
        """Let the base remember `output` `[B, N, C]`; before that, fit the gains of new pairs to what it misses."""
        if self.gain == "fitted":
            if reduction is not None:
                memory["gain"].copy_(self._fitted(output, memory, time, reduction))
            memory["begun"].fill_(1)
        self.base.observe(output, memory, time, reduction)

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory, time: Time) -> torch.Tensor:
        """Correct the forecasts of all tokens by those of `kept` `[B, K, C]`, `[B, N, C]`."""
        base = self.base.recall(memory, time).to(kept.dtype)
        change = reduction.unmerge(kept - reduction.merge(base))
        if self.gain == "fitted":
            full = torch.addcmul(base, change, memory["gain"].unsqueeze(-1).to(kept.dtype))
        else:
            full = torch.add(base, change, alpha=self.gain)
        return reduction.put(kept, full)

    def recall(self, memory: Memory, time: Time) -> torch.Tensor:
        """Return the base's forecasts, `[B, N, C]`."""
        return self.base.recall(memory, time)

    def _fitted(self, output: torch.Tensor, memory: Memory, time: Time, reduction: Reduction) -> torch.Tensor:
        """Fit a gain for each token by least squares, `[B, N]`, float32."""
        errors = (output - self.base.recall(memory, time)).float()
        missed = reduction.merge(errors)
        products = torch.einsum("bnc,bnc->bn", errors, reduction.unmerge(missed))
        squares = reduction.unmerge(torch.einsum("bkc,bkc->bk", missed, missed).unsqueeze(-1)).squeeze(-1)
        known = (squares > torch.finfo(torch.float32).tiny) & (memory["begun"] > 0)
        return torch.where(known, products / squares, 1.0)
