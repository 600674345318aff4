"""Tokens of one role: those of the pictures that a model is given, say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, get_args

import torch

from tokred.errors import SpecError
from tokred.interfaces import Draw, Memory, Similarity
from tokred.layout import Layout, Role
from tokred.parts.pairing import all_but
from tokred.parts.stateless import Stateless
from tokred.reduction import Reduction


@dataclass(frozen=True)
class RoleMatcher(Stateless):
    """Remove the tokens of a role, the last ones first; their destination means nothing.

    Attributes:
        role: "target", "reference", "history" or "control"; see `tokred.Layout`.
    """

    role: Role = "reference"
    max_ratio: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if self.role not in get_args(Role):
            raise SpecError(f"role={self.role!r} is not known. Allowed: {', '.join(get_args(Role))}.")

    def capacity(self, layout: Layout) -> int:
        """Return the number of tokens of the role, less one where there are no others."""
        return min(layout.count(self.role), layout.image - 1)

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """Return the positions of the tokens to remove, `[1, r]`."""
        return (torch.tensor(layout.places(self.role)[-r:]).unsqueeze(0),)

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Remove what was drawn from the N tokens of `features` `[B, N, C]`."""
        (src,) = draw
        first = all_but(src, features.shape[1])[:, :1]
        return Reduction.from_pairs(features.shape[1], src, first.expand(-1, r))
