"""What a similarity says about the features that it compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokred.interfaces import Signal
from tokred.signals import BUILT_IN, as_signal


@dataclass(frozen=True)
class OfSignal:
    """The part of a similarity that says which features it compares; one may inherit from it and write `scores` alone.

    Attributes:
        signal: the features that are compared; a signal, or the name of one that comes with tokred (`tokred.signals`).
    """

    signal: Signal = BUILT_IN["input"]

    if TYPE_CHECKING:  # a field has one type, and its parameter takes names as well

        def __init__(self, signal: Signal | str = "input") -> None: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "signal", as_signal(self.signal))
