"""Whether a grid shows in pictures."""

from __future__ import annotations

import torch

from tokred.errors import SpecError

_FLAT = 1e-12  # gradient energy that counts as none


def blocking(pictures: torch.Tensor, period: int) -> torch.Tensor:
    """Measure gradient energy across the lines of a square grid, over gradient energy elsewhere.

    Energy is the mean squared difference of two neighbouring pixels, of the same row or the same column. A pair of them
    is on the grid where a line runs between the two: after every `period` pixels from the top and the left.

    Args:
        pictures: `[B, C, H, W]`, any values.
        period: distance of the lines in pixels, at least 2 and less than the height or the width.

    Returns:
        `[B]`, float64: 1 where lines are like the rest (and in a flat picture), above 1 where the grid shows.

    Raises:
        SpecError: the period leaves no pixel pair on the grid, or none elsewhere.

    Examples:
        >>> stripes = torch.arange(8).div(4, rounding_mode="floor").expand(1, 1, 8, 8) + torch.rand(1, 1, 8, 8) / 10
        >>> bool(blocking(stripes, 4) > 10)
        True
    """
    if not 2 <= period < max(pictures.shape[2:]):
        raise SpecError(
            f"period={period} must be at least 2 pixels, and less than the height or width of the pictures "
            f"{list(pictures.shape)}: some neighbours must lie across a line, and some must not."
        )
    lines, rest = [], []
    for dim in (2, 3):
        energy = pictures.double().diff(dim=dim).square().movedim(dim, 1)
        on_grid = torch.arange(1, pictures.shape[dim]) % period == 0
        lines.append(energy[:, on_grid].flatten(1))
        rest.append(energy[:, ~on_grid].flatten(1))
    across, elsewhere = (torch.cat(parts, dim=1).mean(dim=1) for parts in (lines, rest))
    return (across + _FLAT) / (elsewhere + _FLAT)
