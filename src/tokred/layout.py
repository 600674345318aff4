"""How the token sequence of a model call is made up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod

from tokred.errors import SpecError

Grid = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """What a model call's tokens are: prefix tokens, text tokens, and the image tokens of one or more grids.

    Only image tokens are ever removed.

    Attributes:
        grids: `(h, w)` of each picture in the sequence, in order, in tokens, or `(f, h, w)` of a video; row-major.
            Empty where nothing is known of the tokens.
        prefix: tokens that lead the image's by themselves, such as class and register tokens.
        text: text tokens that attend jointly with the image tokens.
        image: number of image tokens, N; follows from the grids.

    Examples:
        >>> Layout(grids=((4, 6),), prefix=1).image
        24
    """

    grids: tuple[Grid, ...]
    prefix: int = 0
    text: int = 0
    image: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for grid in self.grids:
            if len(grid) not in (2, 3) or min(grid) < 1:
                raise SpecError(f"A grid is (h, w) or (f, h, w), each at least 1 token, not {grid!r}.")
        object.__setattr__(self, "image", sum(prod(grid) for grid in self.grids))

    @property
    def shown(self) -> str:
        """The grids, as messages write them."""
        return " and ".join(" x ".join(map(str, grid)) for grid in self.grids)

    def without(self, removed: int) -> Layout:
        """Return the layout after so many image tokens are gone for good: the others have no grid, and are a row."""
        return replace(self, grids=((1, self.image - removed),)) if removed else self

    def scaled(self, scale: int) -> Layout:
        """Return the layout of a feature map whose height and width are `scale` times smaller, rounded up."""
        if scale == 1:
            return self
        return replace(self, grids=tuple((*grid[:-2], *(-(-n // scale) for n in grid[-2:])) for grid in self.grids))
