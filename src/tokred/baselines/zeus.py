"""ZEUS: outputs on a line, and used again, in turns."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch

from tokred.baselines.skipping import EveryFew, Output, skipping
from tokred.parts.checks import check_at_least


@dataclass(frozen=True)
class Zeus:
    """At skipped steps draw a line through the last two computed outputs, then use what it gave again, in turns.

    Written from a description in a line, so a reconstruction. The line runs over the sampler's own time.

    Attributes:
        interval: steps from one computed step to the next, at least 2.
        dense_first: computed steps at the start, at least 1.
    """

    interval: int = 3
    dense_first: int = 4

    def __post_init__(self) -> None:
        check_at_least("interval", self.interval, 2, "the steps from one computed step to the next")
        check_at_least("dense_first", self.dense_first, 1, "the steps computed at the start")

    def steps(self, steps: int) -> int:
        """Return all of them."""
        return steps

    def applied(self, pipe: Any) -> AbstractContextManager[None]:
        """Skip steps inside the `with` block; see `Baseline`."""
        return skipping(pipe, "zeus", EveryFew(self.interval, self.dense_first), predict)


def predict(seen: Sequence[Output], place: float) -> torch.Tensor:
    """Make an output of those before it; one alone is used again."""
    computed = [output for output in seen if output.computed]
    skipped = len(seen) - 1 - max(index for index, output in enumerate(seen) if output.computed)
    if skipped % 2 or len(computed) < 2:
        return seen[-1].value
    before, last = computed[-2:]
    return last.value + (last.value - before.value) * (place - last.place) / (last.place - before.place)
