"""One point of the space that is searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from tokred.bench import Contender
from tokred.registry import build_method
from tokred.tuning.ranking import Ranked

DENSE, SKIP = "D", "1"


@dataclass(frozen=True)
class Candidate:
    """A schedule, step by step, and how removed tokens are chosen and come back.

    Attributes:
        program: what each step does: "D", a dense step; "M", one that matches as well; the ratio of a step that
            reduces, "1" of one that skips the model.
        stride: of the cells that hold one destination each.
        order: of the forecast, 0 to 2.
        gain: "one" or "fitted".
        signal: by which tokens are matched.
        keys: what kept queries attend to.
    """

    program: tuple[str, ...]
    stride: tuple[int, int]
    order: int
    gain: str
    signal: str
    keys: str

    @classmethod
    def of(cls, ranked: Ranked) -> Self:
        """Return a schedule that was ranked, with what a step that reduces would begin with."""
        program = tuple(DENSE if dense else SKIP for dense in ranked.dense)
        return cls(program, (2, 2), ranked.order, "one", "output", "full")

    def doing(self, steps: Sequence[str]) -> Self:
        """Return the candidate with another program, whose dense steps match where steps that reduce follow them."""
        program, needed = [DENSE if step == "M" else step for step in steps], False
        program[0] = DENSE
        for place in reversed(range(len(program))):
            if program[place] == DENSE:
                program[place], needed = ("M" if needed else DENSE), False
            needed = needed or program[place] not in (DENSE, "M", SKIP)
        return replace(self, program=tuple(program))

    @property
    def reduces(self) -> bool:
        """Whether there are steps at which some tokens are computed and others are not."""
        return bool(set(self.program) - {DENSE, "M", SKIP})

    @property
    def saves(self) -> bool:
        """Whether there is a step that is not dense."""
        return bool(set(self.program) - {DENSE, "M"})

    def contender(self) -> Contender:
        """Return the registered method with the parameters that make it: `delta`, or `step_cache` without tokens."""
        params: dict[str, Any] = {"program": " ".join(self.program), "order": self.order}
        if self.reduces:
            params |= {"stride": self.stride, "gain": self.gain, "signal": self.signal, "keys": self.keys}
        name = "delta" if self.reduces else "step_cache"
        return Contender(name, "method", params, build_method(name, params))
