"""Tokens that an edit leaves as they are in the reference picture."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from tokred.errors import SpecError, UnsupportedModel
from tokred.interfaces import Draw, Memory, Similarity
from tokred.layout import Grid, Layout
from tokred.parts.checks import check_at_least
from tokred.parts.pairing import all_but
from tokred.parts.stateless import Stateless
from tokred.reduction import Reduction


@dataclass(frozen=True)
class UnchangedMatcher(Stateless):
    """Remove the drawn tokens whose features are those of the reference in the same place; destinations mean nothing.

    It says itself how many go: as many as change by less than the threshold, in the sample where these are fewest.

    Attributes:
        threshold: least difference of a channel, to the reference, at which a token counts as changed, above 0; in the
            units of the features.
        margin: so many rows and columns around a changed token stay too, at least 0.
        references: whether all tokens of references are removed as well.
    """

    threshold: float = 0.1
    margin: int = 1
    references: bool = False
    max_ratio: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.threshold, int | float) or not 0 < self.threshold < math.inf:
            raise SpecError(
                f"threshold={self.threshold!r} must be a finite number above 0: a change from the reference."
            )
        check_at_least("margin", self.margin, 0, "rows and columns around what changes")

    def capacity(self, layout: Layout) -> int:
        """Return the number of tokens that may be removed; 0 where no reference has the grid that is drawn."""
        places = _places(layout, self.margin)
        if places is None:
            return 0
        return min(len(places[0]) + len(self._given(layout)), layout.image - 1)

    def count(self, features: torch.Tensor, layout: Layout) -> int:
        """Count the tokens of `features` `[B, N, C]` that change too little, and the references that go."""
        places = _places(layout, self.margin)
        if places is None:
            raise UnsupportedModel(
                f"{self} compares each drawn token with that of a reference in its place, and of the pictures "
                f"{layout.shown} ({', '.join(layout.roles)}) no reference has the grid of the one that is drawn. Give "
                "a reference of that size, or use 'reference_cache'."
            )
        change = _change(features, *(torch.from_numpy(each).to(features.device) for each in places))
        unchanged = int((change < self.threshold).sum(dim=1).min())
        return min(unchanged + len(self._given(layout)), layout.image - 1)

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """Return the places of drawn tokens `[T]`, those of the reference, their neighbours `[T, n]`, and all given."""
        places = _places(layout, self.margin) or ()
        return (*(torch.from_numpy(each) for each in places), torch.tensor(self._given(layout), dtype=torch.int64))

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Remove the given tokens, and of the drawn tokens of `features` `[B, N, C]` those that change least."""
        drawn, reference, around, given = draw
        order = _change(features, drawn, reference, around).argsort(dim=1, stable=True)
        src = torch.cat([given.expand(len(features), -1), drawn[order]], dim=1)[:, :r]
        first = all_but(src, features.shape[1])[:, :1]
        return Reduction.from_pairs(features.shape[1], src, first.expand(-1, r))

    def _given(self, layout: Layout) -> tuple[int, ...]:
        return layout.places("reference") if self.references else ()


def _change(features: torch.Tensor, drawn: torch.Tensor, reference: torch.Tensor, around: torch.Tensor) -> torch.Tensor:
    """Return the greatest difference of a channel to the reference, of drawn tokens and their neighbours, `[B, T]`."""
    difference = features.index_select(1, drawn) - features.index_select(1, reference)
    return difference.float().abs().amax(dim=2)[:, around].amax(dim=2)


Places = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]


@functools.lru_cache(16)  # arrays, since a tensor belongs to the modes that it was made in: inference, fake
def _places(layout: Layout, margin: int) -> Places | None:
    """Return the places of drawn tokens `[T]`, those of the reference `[T]`, and neighbours of the drawn `[T, n]`."""
    ends = np.cumsum([math.prod(grid) for grid in layout.grids])
    pictures = list(zip(layout.roles, layout.grids, ends, strict=True))
    drawn = [(grid, end) for role, grid, end in pictures if role == "target"]
    given = [end for role, grid, end in pictures if role == "reference" and grid == drawn[0][0]] if drawn else []
    if len(drawn) != 1 or not given:
        return None
    grid, end = drawn[0]
    count = math.prod(grid)
    return np.arange(end - count, end), np.arange(given[0] - count, given[0]), _around(grid, margin)


def _around(grid: Grid, margin: int) -> npt.NDArray[np.int64]:
    """Return the places of each token's neighbours in its frame, and its own, `[T, n]`; at an edge some twice."""
    frames, height, width = (1, *grid)[-3:]
    places = np.arange(frames * height * width).reshape(frames, height, width)
    padded = np.pad(places, ((0, 0), (margin, margin), (margin, margin)), mode="edge")
    side = 2 * margin + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
    return windows.reshape(-1, side * side).copy()
