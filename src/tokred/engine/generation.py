"""What belongs to one generation."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

import torch

from tokred.engine.lookout import Sight
from tokred.engine.site_call import SiteCall
from tokred.engine.state import MatchState, SiteState
from tokred.engine.steps import Position
from tokred.interfaces import Match

T = TypeVar("T")


@dataclass(eq=False)
class Generation:
    """One drawing from its first step to its last; it owns all that is remembered meanwhile.

    Attributes:
        number: tells it apart, from 1; 0 of a call that belongs to none.
        states: what each site remembers, by branch.
        correspondences: those of each group of sites, by branch.
        generators: of each model's random draws, by branch.
        sights: what was seen of each model.
        calls: every site call, in order.
        matches: every step at which sites matched, in order.
        kept: the tokens `[1, K]` that a site's match kept, and the site's name, by step.
        seconds: for each model call, its step and how long it took.
        notes: what is to be known of it, each once.
        entered: whether a model was called in it.
    """

    number: int
    states: dict[Hashable, dict[str, SiteState]] = field(default_factory=dict)
    correspondences: dict[Hashable, dict[str, MatchState]] = field(default_factory=dict)
    generators: dict[Hashable, dict[str, torch.Generator]] = field(default_factory=dict)
    sights: dict[Hashable, Sight] = field(default_factory=dict)
    calls: list[SiteCall] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)
    kept: dict[int, tuple[str, torch.Tensor]] = field(default_factory=dict)
    seconds: list[tuple[Position, float]] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    entered: bool = False


class ByThread(Generic[T]):
    """One value for each thread, let go with it; a copy holds none."""

    def __init__(self) -> None:
        self._values: WeakKeyDictionary[threading.Thread, T] = WeakKeyDictionary()

    @property
    def value(self) -> T | None:
        """Return that of this thread; None before it is set."""
        return self._values.get(threading.current_thread())

    @value.setter
    def value(self, value: T) -> None:
        self._values[threading.current_thread()] = value

    def __reduce__(self) -> tuple[type[ByThread[T]], tuple[()]]:
        return ByThread, ()
