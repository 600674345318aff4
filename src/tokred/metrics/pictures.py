"""The check that every picture metric makes of what it is given."""

from __future__ import annotations

import torch

from tokred.errors import SpecError


def picture_pair(
    pictures: torch.Tensor, reference: torch.Tensor, smallest: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return both as float32, once they are found to be batches of pictures that can be compared.

    Args:
        pictures: `[B, 3, H, W]`, any floating-point dtype, in [0, 1].
        reference: the same shape.
        smallest: least height and width that the metric is defined for, in pixels.

    Raises:
        SpecError: the two differ in shape, or one is not such a batch.
    """
    pair = check_pictures("pictures", pictures, smallest), check_pictures("reference", reference, smallest)
    if pictures.shape != reference.shape:
        raise SpecError(
            f"pictures {list(pictures.shape)} and reference {list(reference.shape)} must have the same shape. "
            "Compare each picture with its own reference; nothing is broadcast."
        )
    return pair


def check_pictures(name: str, images: torch.Tensor, smallest: int = 1) -> torch.Tensor:
    """Return a batch as float32, once it is found to be one of pictures; see `picture_pair`."""
    if not isinstance(images, torch.Tensor):
        raise SpecError(f"{name} must be a torch.Tensor [B, 3, H, W], not a {type(images).__name__}.")
    if not images.is_floating_point():
        raise SpecError(f"{name} must be floating point in [0, 1], not {images.dtype}. Divide 8-bit pictures by 255.")
    if images.ndim != 4 or images.shape[1] != 3:
        raise SpecError(f"{name} must have shape [B, 3, H, W], not {list(images.shape)}.")
    if min(images.shape[2:]) < smallest:
        raise SpecError(
            f"{name} {list(images.shape)} must be at least {smallest} pixels high and wide for this metric."
        )
    floats = images.float()
    _check_range(name, floats)
    return floats


def _check_range(name: str, floats: torch.Tensor) -> None:
    if floats.numel() == 0:
        return
    low, high = (extreme.item() for extreme in floats.aminmax())
    if not (low >= 0 and high <= 1):
        raise SpecError(
            f"{name} must lie in [0, 1], but goes from {low:g} to {high:g}. "
            "Map pictures in [-1, 1] with `(x + 1) / 2`; clamp what a model overshoots."
        )
