"""Everything that was measured, by site, step and generation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from tokred.analysis.persistence import Measure, Persistence


class Cells:
    """Collects what meters found, a batch of generations at a time.

    Args:
        sites: names of the sites, in order.
        steps: number of denoising steps.
    """

    def __init__(self, sites: Sequence[str], steps: int) -> None:
        self.places = {name: place for place, name in enumerate(sites)}
        self.steps = steps
        self.batches: dict[tuple[Measure, int], list[torch.Tensor]] = {}

    def add(self, found: Iterable[Persistence], generations: int) -> None:
        """Add a batch of so many generations; where guidance doubles it, a generation has the mean of its halves."""
        batch: dict[tuple[Measure, int], torch.Tensor] = {}
        for entry in found:
            for name, values in entry.values.items():
                empty = torch.zeros(len(self.places), self.steps - entry.lag, generations, dtype=torch.float64)
                cells = batch.setdefault((name, entry.lag), empty)
                cells[self.places[entry.site], entry.step - entry.lag] = values.view(-1, generations).mean(dim=0)
        for key, cells in batch.items():
            self.batches.setdefault(key, []).append(cells)

    def of(self, measure: Measure, lag: int, since: int = 0) -> torch.Tensor:
        """Return what was measured at steps of at least `lag` and `since`, `[sites, steps, generations]`, float64."""
        return torch.cat(self.batches[measure, lag], dim=2)[:, max(0, since - lag) :]
