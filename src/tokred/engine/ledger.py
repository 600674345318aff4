"""What is noted while a model runs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import torch

from tokred.engine.generation import Generation
from tokred.engine.site_call import SiteCall
from tokred.engine.steps import Position
from tokred.interfaces import Match, Phase


@dataclass
class Ledger:
    """Collects the calls of the current generation.

    Attributes:
        calls: every site call of this generation, in order.
        matches: every step of this generation at which sites matched, in order.
        kept: the tokens `[1, K]` that a site's match kept, and the site's name, by step of this generation.
        seconds: for each model call of this generation, its step and how long it took, in seconds.
        generations: number of generations begun.
        unplanned: number of times that something could not be done as planned and ran dense.
        position: where in the generation the current model call is.
        warned: what has been warned of.
        notes: what is to be known of this generation, each once.
    """

    calls: list[SiteCall] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)
    kept: dict[int, tuple[str, torch.Tensor]] = field(default_factory=dict)
    seconds: list[tuple[Position, float]] = field(default_factory=list)
    generations: int = 0
    unplanned: int = 0
    position: Position | None = None
    warned: set[str] = field(default_factory=set)
    notes: dict[str, None] = field(default_factory=dict)

    def enter(self, generation: Generation) -> None:
        """Write into `generation` from now on."""
        self.generations += generation.number > 0 and not generation.entered
        generation.entered = True
        self.calls, self.matches, self.kept = generation.calls, generation.matches, generation.kept
        self.seconds, self.notes = generation.seconds, generation.notes

    def begin_call(self, position: Position) -> None:
        """Note which model call is about to happen."""
        self.position = position

    def record(self, call: SiteCall) -> None:
        """Note a site call."""
        self.calls.append(call)

    def take_back(self, sites: set[str]) -> None:
        """Strike the current model call's records of `sites`, which the model did not call."""
        self.calls[:] = [c for c in self.calls if c.position is not self.position or c.site.name not in sites]

    def matched(self, step: int) -> None:
        """Note that a site matches at a step."""
        if not self.matches or self.matches[-1].step != step:
            self.matches.append(Match(step))

    def ran_dense(self, site: str, why: str) -> None:
        """Note that the last call of a site, by its name, ran dense instead of as planned, and why."""
        last = max(i for i, call in enumerate(self.calls) if call.site.name == site)
        self.calls[last] = self.calls[last]._replace(phase=Phase.DENSE, removed=0)
        self.warn(f"{site} runs dense: {why}")

    def warn(self, message: str) -> None:
        """Count something that could not be done as planned, and warn of each kind once."""
        self.unplanned += 1
        if message not in self.warned:
            self.warned.add(message)
            warnings.warn(f"tokred: {message}.", stacklevel=2)
