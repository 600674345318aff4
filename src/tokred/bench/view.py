"""What a benchmark tells whoever watches it, while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from tokred.bench.result import Dense, Failed, LeftOut, Row
from tokred.engine.token_map import TokenMap

SHOWN = 8
"""Number of pictures of each run that are shown."""


@dataclass(frozen=True)
class Exhibit:
    """The first pictures of a run.

    Attributes:
        name: name of the method or baseline, or "dense".
        label: name and parameters.
        pictures: `[P, 3, H, W]` in [0, 1], P at most `SHOWN`.
        values: of each picture by the subject's first metric; empty for the dense ones themselves.
        tokens: what one site computed of the first picture's tokens, step by step; see `tokred.Report.token_maps`.
    """

    name: str
    label: str
    pictures: torch.Tensor
    values: tuple[float, ...] = ()
    tokens: tuple[TokenMap, ...] = ()

    @property
    def removed(self) -> TokenMap | None:
        """The last map of which a part was removed; None where there is none."""
        return next((shown for shown in reversed(self.tokens) if shown.partial), None)


def shown(outputs: torch.Tensor) -> torch.Tensor:
    """Return the first of outputs `[B, 3, H, W]`; of videos `[B, F, 3, H, W]` the frames in their middle."""
    pictures = outputs if outputs.ndim == 4 else outputs[:, outputs.shape[1] // 2]
    return pictures[:SHOWN]


class View(Protocol):
    """Watches a benchmark."""

    def left_out(self, left_out: Sequence[LeftOut]) -> None:
        """Be told, before anything else, what is not compared."""
        ...

    def begin(self, generations: int) -> None:
        """Be told how many generations there will be."""
        ...

    def generated(self, label: str) -> None:
        """Be told that one more generation is done, and whose; never called while time is taken."""
        ...

    def dense(self, dense: Dense) -> None:
        """Be told the dense reference's result, with its time as measured so far."""
        ...

    def exhibit(self, exhibit: Exhibit) -> None:
        """Be shown the first pictures of a run, the dense ones first; never called where outputs are not pictures."""
        ...

    def row(self, row: Row) -> None:
        """Be told the result of a run."""
        ...

    def failed(self, failed: Failed) -> None:
        """Be told that a run raised an error."""
        ...


class NoView:
    """Looks away; see `View`."""

    def left_out(self, left_out: Sequence[LeftOut]) -> None:
        """See `View`."""

    def begin(self, generations: int) -> None:
        """See `View`."""

    def generated(self, label: str) -> None:
        """See `View`."""

    def dense(self, dense: Dense) -> None:
        """See `View`."""

    def exhibit(self, exhibit: Exhibit) -> None:
        """See `View`."""

    def row(self, row: Row) -> None:
        """See `View`."""

    def failed(self, failed: Failed) -> None:
        """See `View`."""
