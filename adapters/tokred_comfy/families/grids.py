"""Where a call of ComfyUI's networks says how its image tokens are laid out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tokred import UnsupportedModel

Grids = tuple[tuple[int, ...], ...]
GridReader = Callable[[Any, Mapping[str, Any]], Grids]


def padded(size: Any = "patch_size", axes: tuple[int, ...] = (-2, -1), refuse: tuple[str, ...] = ()) -> GridReader:
    """Divide the shape of the latents `x` by the size of a patch, rounded up: ComfyUI pads them.

    Args:
        size: number, or the network's attribute that holds one, or one for each axis.
        axes: of the latents that make up the grid.
        refuse: arguments that add image tokens of their own.
    """

    def read(network: Any, arguments: Mapping[str, Any]) -> Grids:
        for name in refuse:
            if arguments.get(name) is not None:
                raise UnsupportedModel(f"Tokens cannot be removed beside {name}: use a preset such as balanced.")
        given = getattr(network, size) if isinstance(size, str) else size
        sizes = tuple(given) if isinstance(given, (tuple, list)) else (given,) * len(axes)
        lengths = tuple(-(-arguments["x"].shape[axis] // n) for axis, n in zip(axes, sizes, strict=True))
        return (lengths[1:] if len(lengths) == 3 and lengths[0] == 1 else lengths,)

    return read
