"""Where the image's tokens are in a sequence."""

from __future__ import annotations

import torch

from tokred.family.signature import IMAGE, Order


def lead(order: Order, length: int, image: int, prefix: int = 0) -> int:
    """Return how many tokens stand before the image's in a sequence.

    Context on one side of the image is as long as the sequence leaves it; the sequence itself knows best.

    Args:
        order: the parts of the sequence.
        length: its tokens, L.
        image: how many of them are the image's.
        prefix: number of tokens of the part "prefix", where context stands on both sides.
    """
    place = order.index(IMAGE)
    if place == 0:
        return 0
    return length - image if place == len(order) - 1 else prefix


def fits(order: Order, length: int, image: int, prefix: int) -> bool:
    """Say whether a sequence made up of `order` may be so long; of text nobody knows how long it is."""
    if "text" in order:
        return length > image
    return length == image + ("prefix" in order) * prefix


def split(x: torch.Tensor, order: Order, image: int, prefix: int = 0) -> tuple[torch.Tensor, ...]:
    """Split `[B, L, ...]` into what stands before the image's tokens, these, and what comes after."""
    before = lead(order, x.shape[1], image, prefix)
    return x[:, :before], x[:, before : before + image], x[:, before + image :]


def join(before: torch.Tensor, image: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """Join what `split` has split, with other tokens for the image's: `[B, L', ...]`."""
    parts = [part for part in (before, image, after) if part.shape[1]]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
