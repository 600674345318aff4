"""How the token sequence of a model call is made up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import Literal, get_args

from tokred.errors import SpecError

Grid = tuple[int, ...]
Role = Literal["target", "reference", "history", "control"]
"""What the tokens of a picture are there for: it is drawn; or it is given to be drawn from, came before, or steers."""
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Layout:
    """What a model call's tokens are: prefix tokens, text tokens, and the image tokens of one or more grids.

    Only image tokens are ever removed.

    Attributes:
        grids: `(h, w)` of each picture in the sequence, in order, in tokens, or `(f, h, w)` of a video; row-major.
            Empty where nothing is known of the tokens.
        prefix: tokens that lead the image's by themselves, such as class and register tokens.
        text: text tokens that attend jointly with the image tokens.
        roles: of each picture; by default all are drawn, "target".
        image: number of image tokens, N; follows from the grids.

    Examples:
        >>> Layout(grids=((4, 6),), prefix=1).image
        24
        >>> Layout(grids=((4, 6), (2, 3)), roles=("target", "reference")).count("reference")
        6
    """

    grids: tuple[Grid, ...]
    prefix: int = 0
    text: int = 0
    roles: tuple[Role, ...] = ()
    image: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for grid in self.grids:
            if len(grid) not in (2, 3) or min(grid) < 1:
                raise SpecError(f"A grid is (h, w) or (f, h, w), each at least 1 token, not {grid!r}.")
        roles = self.roles or ("target",) * len(self.grids)
        if len(roles) != len(self.grids) or not set(roles) <= set(ROLES):
            raise SpecError(f"roles={roles!r} must be one of {', '.join(ROLES)} for each of {len(self.grids)} grids.")
        object.__setattr__(self, "roles", roles)
        object.__setattr__(self, "image", sum(prod(grid) for grid in self.grids))

    @property
    def shown(self) -> str:
        """The grids, as messages write them."""
        return " and ".join(" x ".join(map(str, grid)) for grid in self.grids)

    def count(self, role: Role) -> int:
        """Return the number of image tokens of a role."""
        return sum(prod(grid) for grid, own in zip(self.grids, self.roles, strict=True) if own == role)

    def places(self, role: Role) -> tuple[int, ...]:
        """Return the positions of the image tokens of a role, among the image's, ascending."""
        roles = [own for grid, own in zip(self.grids, self.roles, strict=True) for _ in range(prod(grid))]
        return tuple(place for place, own in enumerate(roles) if own == role)

    def without(self, removed: int) -> Layout:
        """Return the layout after so many image tokens are gone for good: the others have no grid, and are a row."""
        return replace(self, grids=((1, self.image - removed),), roles=()) if removed else self

    def scaled(self, scale: int) -> Layout:
        """Return the layout of a feature map whose height and width are `scale` times smaller, rounded up."""
        if scale == 1:
            return self
        return replace(self, grids=tuple((*grid[:-2], *(-(-n // scale) for n in grid[-2:])) for grid in self.grids))
