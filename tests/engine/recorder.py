"""A matcher that shows what matchers are given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from tokred import Layout, Method, Recovery, Reduction, Scheduler, Similarity, SiteKind, parts
from tokred.interfaces import Memory


@dataclass(frozen=True)
class Recorder:
    """Keeps the first tokens, and what it is asked to match by."""

    seen: list[torch.Tensor] = field(default_factory=list)
    max_ratio: float = 1.0

    def capacity(self, layout: Layout) -> int:
        return layout.image - 1

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
        return ()

    def state_spec(self, shape: tuple[int, int]) -> dict[str, tuple[int, ...]]:
        return {}

    def match(self, features: torch.Tensor, draw: Any, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        self.seen.append(features.clone())
        tokens = torch.arange(features.shape[1]).expand(len(features), -1)
        return Reduction.from_pairs(features.shape[1], tokens[:, -r:], tokens[:, :1].expand(-1, r))


def recording(
    signal: str, sites: tuple[SiteKind, ...], scheduler: Scheduler, recovery: Recovery | None = None
) -> tuple[Method, Recorder]:
    """Return a method that matches by a signal, and what records what its matcher is given."""
    method = Method(
        similarity=parts.Cosine(signal),
        matcher=Recorder(),
        scheduler=scheduler,
        recovery=recovery or parts.Copy(),
        sites=sites,
    )
    return method, method.matcher
