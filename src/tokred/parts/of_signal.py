"""What a similarity says about the features that it compares."""

from __future__ import annotations

from dataclasses import dataclass

from tokred.interfaces import Signal
from tokred.parts.checks import check_signal


@dataclass(frozen=True)
class OfSignal:
    """The part of a similarity that says which features it compares; one may inherit from it and write `scores` alone.

    Attributes:
        signal: the features that are compared, see `tokred.Similarity`.
    """

    signal: Signal = "input"

    def __post_init__(self) -> None:
        check_signal(self.signal)
