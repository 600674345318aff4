"""How the token sequence of a model call is made up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from tokred.errors import SpecError

Grid = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """What a model call's tokens are: prefix tokens, text tokens, and the image tokens of one or more grids.

    Only image tokens are ever removed.

    Attributes:
        grids: `(h, w)` of each picture in the sequence, in order, in tokens; row-major within a picture.
        prefix: class and register tokens that lead the image tokens.
        text: text tokens that attend jointly with the image tokens.

    Examples:
        >>> Layout(grids=((4, 6),), prefix=1).image
        24
    """

    grids: tuple[Grid, ...]
    prefix: int = 0
    text: int = 0

    def __post_init__(self) -> None:
        for grid in self.grids:
            if len(grid) != 2 or min(grid) < 1:
                raise SpecError(f"A grid is (h, w), both at least 1 token, not {grid!r}.")

    @property
    def image(self) -> int:
        """Number of image tokens, N."""
        return sum(prod(grid) for grid in self.grids)

    def without(self, removed: int) -> Layout:
        """Return the layout after so many image tokens are gone for good: the others have no grid, and are a row."""
        return replace(self, grids=((1, self.image - removed),)) if removed else self
