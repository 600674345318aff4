"""Where a call says how its image tokens are laid out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from functools import cache
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

from tokred.errors import UnsupportedModel
from tokred.family.description import GridReader, Grids

if TYPE_CHECKING:
    import torch


__all__ = ["PositionIds", "counts", "grids_of", "patches", "shapes", "tell", "without"]


def patches(
    argument: str = "hidden_states",
    size: str | int | tuple[str | int, ...] = "patch_size",
    axes: tuple[int, ...] = (-2, -1),
) -> GridReader:
    """Divide the shape of latents by the size of a patch.

    Args:
        argument: holds the latents.
        size: a number, or the name of a field of the model's config that holds one, or one for each axis; one for all
            axes where there are fewer; None in the config is 1.
        axes: of the latents that make up the grid.
    """

    def read(model: Any, arguments: Mapping[str, Any]) -> Grids:
        sizes = _sizes(model, size, len(axes))
        shape = arguments[argument].shape
        return (_flat(tuple(shape[axis] // n for axis, n in zip(axes, sizes, strict=True))),)

    return read


def counts(*names: str) -> GridReader:
    """Read the grid from arguments that hold its lengths, such as "num_frames", "height", "width"."""

    def read(model: Any, arguments: Mapping[str, Any]) -> Grids:
        given: list[Any] = [arguments.get(name) for name in names]
        if None in given:
            raise UnsupportedModel(
                f"The model was called without {names[given.index(None)]!r}. Pass {', '.join(names)}."
            )
        return (tuple(map(int, given)),)

    return read


def shapes(argument: str) -> GridReader:
    """Read the grids from an argument that lists them, `[(f, h, w), ...]`, or such a list for each sample.

    Raises:
        UnsupportedModel: if samples of a batch differ.
    """

    def read(model: Any, arguments: Mapping[str, Any]) -> Grids:
        listed = arguments[argument]
        samples = listed if isinstance(listed[0], list) else [listed]
        if any(sample != samples[0] for sample in samples):
            raise UnsupportedModel(f"{argument}={listed} has samples of different sizes. Draw them one at a time.")
        return tuple(_flat(tuple(grid)) for grid in samples[0])

    return read


def without(argument: str, read: GridReader) -> GridReader:
    """Refuse calls with an argument that counts or remembers tokens; else read the grids by `read`."""

    def refuse(model: Any, arguments: Mapping[str, Any]) -> Grids:
        if arguments.get(argument) is not None:
            raise UnsupportedModel(
                f"Tokens cannot be removed from a call with {argument!r}: it counts or remembers them. Call the model "
                "without it, or use a method that skips whole steps, such as 'balanced'."
            )
        return read(model, arguments)

    return refuse


class PositionIds:
    """Reads the grids from position ids `[N, 1 + d]` or `[B, N, 1 + d]`: which picture, then place, of each token.

    Args:
        argument: holds them.
        axes: the columns that hold the place.
        count: counts the image's tokens, where those of text stand before them; by default all are the image's.
    """

    def __init__(
        self,
        argument: str,
        axes: tuple[int, ...] = (1, 2),
        count: Callable[[Mapping[str, Any]], int] | None = None,
    ) -> None:
        self.argument, self.axes, self.count = argument, axes, count

    def __call__(self, model: Any, arguments: Mapping[str, Any]) -> Grids:
        """See `GridReader`."""
        ids, known = arguments[self.argument], _known()
        if ids not in known:
            image = ids if self.count is None else ids[..., -self.count(arguments) :, :]
            known[ids] = grids_of(image, self.axes, self.argument)
        return known[ids]


def tell(ids: torch.Tensor, grids: Grids) -> None:
    """Say what a tensor of position ids says, as long as it is there: one without contents cannot be read."""
    _known()[ids] = grids


@cache
def _known() -> MutableMapping[torch.Tensor, Grids]:
    """Return what tensors of position ids say: reading one waits for the device."""
    from torch.utils.weak import WeakIdKeyDictionary

    return WeakIdKeyDictionary()


def grids_of(ids: torch.Tensor, axes: tuple[int, ...] = (1, 2), argument: str = "img_ids") -> Grids:
    """Work out the pictures of a sequence from position ids `[N, 1 + d]`.

    Raises:
        UnsupportedModel: if the tokens are not whole pictures, one after the other, row by row.
    """
    table = (ids[0] if ids.ndim == 3 else ids).tolist()
    starts = [i for i, row in enumerate(table) if i == 0 or row[0] != table[i - 1][0]] + [len(table)]
    grids = []
    for start, end in pairwise(starts):
        places = [tuple(row[axis] for axis in axes) for row in table[start:end]]
        first, last = places[0], places[-1]
        grid = tuple(int(b - a) + 1 for a, b in zip(first, last, strict=True))
        if min(grid) < 1 or places != _row_by_row(grid, first):
            raise UnsupportedModel(
                f"{argument} describes {len(places)} tokens from {first} to {last} that do not form a whole picture, "
                "row by row. Prepare the ids as the model's own pipeline does."
            )
        grids.append(_flat(grid))
    return tuple(grids)


def _row_by_row(grid: tuple[int, ...], first: tuple[float, ...]) -> list[tuple[float, ...]]:
    return [tuple(a + i for a, i in zip(first, place, strict=True)) for place in product(*(range(n) for n in grid))]


def _flat(grid: tuple[int, ...]) -> tuple[int, ...]:
    """Return a grid of one frame as one of a picture, `(h, w)`."""
    grid = tuple(int(n) for n in grid)
    return grid[1:] if len(grid) == 3 and grid[0] == 1 else grid


def _sizes(model: Any, size: Any, axes: int) -> tuple[int, ...]:
    """Return the size of a patch along each axis."""
    named = [size] if isinstance(size, (str, int)) else list(size)
    values = [getattr(model.config, n) if isinstance(n, str) else n for n in named]
    values = [1 if value is None else value for value in values]
    flat = [int(n) for value in values for n in (value if isinstance(value, (tuple, list)) else (value,))]
    return tuple(flat * axes) if len(flat) == 1 else tuple(flat[-axes:])
