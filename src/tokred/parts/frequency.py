"""A penalty for tokens that matches choose too often."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tokred.errors import SpecError
from tokred.interfaces import Memory
from tokred.reduction import Reduction


@dataclass(frozen=True)
class FrequencyPenalty:
    """Makes tokens less attractive the more often earlier matches of the generation chose them.

    A token that is removed at every match is never computed between two dense steps, and its error stays where it is: a
    visible block. The DiTo paper (arXiv:2605.22011) confirms a selection-frequency penalty; its form is our
    reconstruction: a score loses `weight * count / mean(count)`, the mean over all image tokens of the sample, so that
    the weight does not depend on how many matches there were.

    Attributes:
        source: weight for tokens that were removed, at least 0, in units of the similarity.
        destination: weight for tokens that others were removed into, counting each of them; at least 0.
        decay: what a count keeps from match to match, in [0, 1]; 1 forgets nothing, 0 remembers the last match only.
    """

    source: float = 0.0
    destination: float = 0.0
    decay: float = 1.0

    def __post_init__(self) -> None:
        for name in ("source", "destination"):
            weight = getattr(self, name)
            if not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
                raise SpecError(
                    f"penalty: {name}={weight!r} must be a finite number of at least 0; 0 means no penalty."
                )
        if not isinstance(self.decay, int | float) or not 0 <= self.decay <= 1:
            raise SpecError(f"penalty: decay={self.decay!r} must be in [0, 1]: the share of a count that is kept.")

    def state_spec(self, shape: tuple[int, int]) -> dict[str, tuple[int, ...]]:
        """Declare a count `[B, N]` for each weight that is not 0."""
        weights = {"removed": self.source, "received": self.destination}
        return {name: shape for name, weight in weights.items() if weight}

    def of_sources(self, memory: Memory) -> torch.Tensor | None:
        """Return what each token loses as a source, `[B, N]`; None without such a penalty."""
        return self.source * _relative(memory["removed"]) if self.source else None

    def of_destinations(self, memory: Memory) -> torch.Tensor | None:
        """Return what each token loses as a destination, `[B, N]`; None without such a penalty."""
        return self.destination * _relative(memory["received"]) if self.destination else None

    def count(self, reduction: Reduction, memory: Memory) -> None:
        """Add a match to the counts."""
        if self.source:
            memory["removed"].mul_(self.decay).add_(~reduction.is_kept)
        if self.destination:
            received = torch.zeros_like(memory["received"]).scatter(1, reduction.kept, reduction.sizes - 1.0)
            memory["received"].mul_(self.decay).add_(received)


NO_PENALTY = FrequencyPenalty()


def _relative(count: torch.Tensor) -> torch.Tensor:
    """Divide counts `[B, N]` by their mean over the tokens; zeros stay zeros."""
    return count / count.mean(dim=1, keepdim=True).clamp_min(torch.finfo(count.dtype).tiny)
