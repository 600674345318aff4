"""What a run computed, site by site and step by step."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from tokred.engine.steps import Position
from tokred.family.site import SiteSpec
from tokred.interfaces import Match, Phase
from tokred.layout import Layout
from tokred.method import Keys


@dataclass(frozen=True)
class SiteCall:
    """One call of one site.

    Attributes:
        position: step and branch.
        site: where.
        layout: how the call's tokens were made up.
        phase: what was done.
        batch: number of samples, B.
        removed: image tokens that were not computed, because they were removed here or for good before; all of them
            where the site was not called.
        keys: what attention attended to: "kept", "weighted", "full" or "recovered".
        skipped: whether the site was not called.
        unasked: of a "kv" site, image tokens that have no query, where queries are reduced beside it.
    """

    position: Position
    site: SiteSpec
    layout: Layout
    phase: Phase
    batch: int
    removed: int
    keys: Keys
    skipped: bool = False
    unasked: int = 0

    @property
    def dense_flops(self) -> float:
        """Operations of the call if every token is computed; 1 for each sample, where the model's are not known."""
        if self.site.cost is None:
            return float(self.batch)
        return self.batch * self.site.cost.flops(self._tokens, self._tokens, self._tokens)

    @property
    def flops(self) -> float:
        """Operations as they were, without matching: none of a skipped site, and of an oracle those of both calls."""
        if self.skipped:
            return 0.0
        if self.site.cost is None:
            return self.dense_flops
        kept = self._tokens - self.removed
        if self.site.kind == "kv":
            return self.batch * self.site.cost.flops(self._tokens - self.unasked, kept, kept)
        projected = self._tokens if self.keys == "full" else kept
        attended = kept if self.keys in ("kept", "weighted") else self._tokens
        first = self.dense_flops if self.phase is Phase.ORACLE else 0.0
        return first + self.batch * self.site.cost.flops(kept, projected, attended)

    @property
    def _tokens(self) -> int:
        return self.layout.image + self.site.context(self.layout)


@dataclass
class Ledger:
    """Collects the calls of the current generation.

    Attributes:
        calls: every site call of this generation, in order.
        matches: every step of this generation at which sites matched, in order.
        seconds: for each model call of this generation, its step and how long it took, in seconds.
        generations: number of generations begun.
        generation: the current one, as the step source counts them.
        unplanned: number of times that something could not be done as planned and ran dense.
        position: where in the generation the current model call is.
        warned: what has been warned of.
    """

    calls: list[SiteCall] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)
    seconds: list[tuple[Position, float]] = field(default_factory=list)
    generations: int = 0
    generation: int = 0
    unplanned: int = 0
    position: Position | None = None
    warned: set[str] = field(default_factory=set)

    def begin_generation(self, generation: int) -> None:
        """Forget the calls of the last generation, at the first call of any model in this one."""
        if generation == self.generation:
            return
        self.generation = generation
        self.calls.clear()
        self.matches.clear()
        self.seconds.clear()
        self.generations += 1

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

    def ran_dense(self, site: SiteSpec, why: str) -> None:
        """Note that the last call of a site ran dense instead of as planned, and why."""
        last = max(i for i, call in enumerate(self.calls) if call.site is site)
        self.calls[last] = replace(self.calls[last], phase=Phase.DENSE, removed=0)
        self.warn(f"{site.name} runs dense: {why}")

    def warn(self, message: str) -> None:
        """Count something that could not be done as planned, and warn of each kind once."""
        self.unplanned += 1
        if message not in self.warned:
            self.warned.add(message)
            warnings.warn(f"tokred: {message}.", stacklevel=2)


@dataclass(frozen=True)
class Report:
    """What the last generation of a run computed.

    Attributes:
        method: name of the method.
        model: class of the model.
        calls: every site call, in order.
        matches: every step at which sites matched, in order, with the pair match ratios that were measured.
        seconds: step and duration of every model call.
        generations: number of generations so far.
        unplanned: number of times that something could not be done as planned and ran dense.
    """

    method: str
    model: str
    calls: tuple[SiteCall, ...]
    matches: tuple[Match, ...]
    seconds: tuple[tuple[Position, float], ...]
    generations: int
    unplanned: int

    @property
    def dense_flops(self) -> float:
        """Operations that the sites would have needed densely."""
        return sum(call.dense_flops for call in self.calls)

    @property
    def flops(self) -> float:
        """Operations of the sites, without matching."""
        return sum(call.flops for call in self.calls)

    @property
    def compute(self) -> float:
        """Share of the sites' operations that was computed; above 1 with an oracle; 1 before the first generation."""
        return self.flops / self.dense_flops if self.calls else 1.0

    @property
    def seconds_saved(self) -> float | None:
        """Time that model calls which match or reduce were shorter than dense ones, in seconds; negative where longer.

        None where either kind was not seen: a method that matches at every dense step has nothing to be held against.
        """
        reduced = {call.position for call in self.calls if call.phase is not Phase.DENSE}
        other = [s for position, s in self.seconds if position in reduced]
        dense = [s for position, s in self.seconds if position not in reduced]
        if not other or not dense:
            return None
        return len(other) * sum(dense) / len(dense) - sum(other)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, one row per site call."""
        return {
            "method": self.method,
            "model": self.model,
            "generations": self.generations,
            "unplanned": self.unplanned,
            "flops": self.flops,
            "dense_flops": self.dense_flops,
            "compute": self.compute,
            "seconds_saved": self.seconds_saved,
            "matches": [{"step": match.step, "pmr": match.pmr} for match in self.matches],
            "calls": [
                {
                    "step": call.position.step,
                    "branch": call.position.branch,
                    "site": call.site.name,
                    "phase": call.phase.value,
                    "tokens": call.layout.image,
                    "computed": call.layout.image - call.removed,
                }
                for call in self.calls
            ],
        }

    def __str__(self) -> str:
        if not self.calls:
            dense = f" {self.unplanned} calls ran dense (see the warnings)." if self.unplanned else ""
            return f"{self.method} on {self.model}: nothing has been planned yet.{dense}"
        lines = [f"{self.method} on {self.model}, generation {self.generations}"]
        lines += [f"  {line}" for line in self._steps()]
        saved = self.seconds_saved
        time = "not known: no dense call to compare with" if saved is None else f"{saved:.3f} s"
        lines.append(f"  site FLOPs {self.flops:.3g} of {self.dense_flops:.3g} ({self.compute:.1%}); time saved {time}")
        if any(match.pmr is not None for match in self.matches):
            seen = ", ".join(f"{match.pmr:.2f} at {match.step}" for match in self.matches if match.pmr is not None)
            lines.append(f"  pair match ratio with the match before, by step: {seen}")
        if self.unplanned:
            lines.append(f"  {self.unplanned} calls could not be reduced as planned and ran dense (see the warnings)")
        if not any(call.removed for call in self.calls):
            lines.append("  nothing was reduced in this generation")
        return "\n".join(lines)

    def _steps(self) -> list[str]:
        """Return one line for all steps that did the same."""
        rows: dict[int, Counter[str]] = {}
        for call in self.calls:
            tokens = call.layout.image
            what = f"{call.phase.value}, {tokens - call.removed} of {tokens} tokens"
            rows.setdefault(call.position.step, Counter())[what] += 1
        alike: dict[str, list[int]] = {}
        for step, row in rows.items():
            what = "; ".join(f"{count} site calls: {text}" for text, count in row.items())
            alike.setdefault(what, []).append(step)
        return [f"{_ranges(steps)}: {what}" for what, steps in alike.items()]


def _ranges(steps: list[int]) -> str:
    """Write ascending steps in short: "steps 0-3, 5"."""
    runs: list[list[int]] = []
    for step in steps:
        if runs and step == runs[-1][-1] + 1:
            runs[-1].append(step)
        else:
            runs.append([step])
    return "steps " + ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
