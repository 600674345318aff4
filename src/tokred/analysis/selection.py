"""Which tokens matches choose."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from tokred.interfaces import Draw, Matcher, Memory, Similarity
from tokred.parts import Wrapping
from tokred.reduction import Reduction


@dataclass(frozen=True)
class Recording(Wrapping):
    """A matcher that remembers what another one removed.

    Attributes:
        matcher: the one that matches.
        removed: whether each token was removed by each call of `match`, in order, `[B or 1, N]`, bool.
    """

    matcher: Matcher
    removed: list[torch.Tensor] = field(default_factory=list)

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """See `Matcher`."""
        reduction = self.matcher.match(features, draw, r, similarity, memory)
        self.removed.append(~reduction.is_kept.cpu())
        return reduction

    def selected(self, sites: int, generations: int) -> torch.Tensor:
        """Return whether each match removed each token, of the sites that have the most tokens, and forget it.

        Args:
            sites: number of these sites, all of which matched at the same steps.
            generations: number of pictures of the batch. Where guidance doubles the batch, what is removed in one half
                of it counts a half.

        Returns:
            `[matches, sites, generations, N]`, float32.
        """
        most = max(removed.shape[1] for removed in self.removed)
        finest = [removed for removed in self.removed if removed.shape[1] == most]
        rows = max(generations, *(len(removed) for removed in finest))
        every = torch.stack([removed.expand(rows, -1) for removed in finest]).float()
        self.removed.clear()
        return every.view(-1, sites, rows // generations, generations, every.shape[-1]).mean(dim=2)
