"""Steps that are said by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from itertools import count

from tokred.engine.generation import ByThread, Generation
from tokred.engine.steps import Position, Said, said


@dataclass(eq=False)
class _Place:
    """Where one thread is."""

    generation: Generation
    said: Said | None = None
    calls: Counter[Hashable] = field(default_factory=Counter)
    branches: set[tuple[Hashable, str]] = field(default_factory=set)


class ExplicitSteps:
    """Follows `tokred.step(...)`, in each thread by itself.

    Args:
        alone: what a model call outside any `tokred.step` is: a generation of its own, as for a classifier, or of an
            unknown step.
        numbers: gives generations their numbers.
    """

    def __init__(self, alone: bool, numbers: Iterator[int] | None = None) -> None:
        self.alone = alone
        self.numbers = numbers or count(1)
        self.current = Generation(0)
        self.places: ByThread[_Place] = ByThread()

    def next_call(self, model: Hashable, branch: str) -> Position | None:
        """See `StepSource`. Further calls inside one `with` block are branches of their own."""
        now = said()
        if now is None:
            self.current = Generation(next(self.numbers)) if self.alone else Generation(0)
            return Position(0, 1, "both", self.current.number) if self.alone else None
        place = self.places.value or _Place(Generation(0))
        last = place.said
        if now is not last:
            place.calls.clear()
        if last is None or now.index != last.index:
            place.branches.clear()
        call = place.calls[model]
        place.calls[model] += 1
        parts = tuple(f"{branch}, call {call}" if call else branch for branch in now.branches)
        named = {(model, part) for part in parts}
        if last is None or _begins(now, last, repeated=bool(named & place.branches)):
            place.generation = Generation(next(self.numbers))
            place.branches.clear()
        place.said = now
        place.branches |= named
        self.places.value, self.current = place, place.generation
        shared = parts if len(parts) > 1 else ()
        branch = " + ".join(parts)
        return Position(now.index, now.steps, branch, self.current.number, now.time, noise=now.noise, parts=shared)

    def join(self, model: Hashable) -> None:
        """See `StepSource`; nothing is attached."""

    def leave(self, model: Hashable) -> None:
        """See `StepSource`; nothing was attached."""


def _begins(now: Said, last: Said, repeated: bool) -> bool:
    """Say whether a generation begins; `repeated` says whether this step has had such a call."""
    if now.generation is not None or last.generation is not None:
        return now.generation != last.generation
    return now.index < last.index or repeated
