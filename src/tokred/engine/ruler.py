"""The sizes of a model call, as compiled code can read them."""

from __future__ import annotations

import torch


class Ruler:
    """Sizes that change from picture to picture, as the axes of tensors without memory.

    `torch.compile` takes a number that a module holds for a constant, and makes a graph for each of its values; the
    lengths of tensors may differ from call to call of one graph.

    Args:
        *sizes: to be held.
        device: where the model computes.
    """

    def __init__(self, *sizes: int, device: torch.device | str = "cpu") -> None:
        self.held = torch.empty((), device=device).expand(sizes)

    def __getitem__(self, place: int) -> int:
        """Return one of the sizes."""
        return self.held.shape[place]


class CallRuler(Ruler):
    """The sizes of what a site is called with.

    Args:
        batch: number of samples, B.
        image: number of image tokens, N.
        prefix: tokens of the part "prefix".
        context: tokens that are computed with the image's.
        device: where the model computes.
    """

    def __init__(
        self, batch: int = 0, image: int = 0, prefix: int = 0, context: int = 0, device: torch.device | str = "cpu"
    ) -> None:
        super().__init__(batch, image, prefix, context, device=device)

    @property
    def batch(self) -> int:
        """Number of samples, B."""
        return self[0]

    @property
    def image(self) -> int:
        """Number of image tokens, N."""
        return self[1]

    @property
    def prefix(self) -> int:
        """Tokens of the part "prefix"."""
        return self[2]

    @property
    def context(self) -> int:
        """Tokens that are computed with the image's."""
        return self[3]
