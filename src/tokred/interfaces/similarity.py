"""The interface of a similarity: how alike two tokens are, judged by which signal."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch

from tokred.interfaces.signal import Signal


@runtime_checkable
class Similarity(Protocol):
    """Scores how well a destination token would stand in for a source token."""

    @property
    def signal(self) -> Signal:
        """The features that are compared; `tokred.parts.OfSignal` takes them by name."""
        ...

    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        """Compare every source with every destination.

        Called on a few sources at a time, so that memory stays linear in the number of tokens: a score must depend
        on its own pair only.

        Args:
            src: features of source tokens, `[B, S, C]`.
            dst: features of destination tokens, `[B, D, C]`.

        Returns:
            Scores `[B, S, D]` in float32, higher is closer; finite for tokens of zeros.
        """
        ...
