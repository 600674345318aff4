"""What a run computed, site by site and step by step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tokred.engine.site_call import SiteCall
from tokred.engine.steps import Position
from tokred.interfaces import Match, Phase


@dataclass(frozen=True, repr=False)
class Report:
    """What the last generation of a run computed: plain data, shown as a short table.

    Attributes:
        method: name of the method.
        model: class of the model.
        calls: every site call, in order.
        matches: every step at which sites matched, in order, with the pair match ratios that were measured.
        seconds: step and duration of every model call.
        generations: number of generations so far.
        unplanned: number of times that something could not be done as planned and ran dense.
        notes: what else is to be known of the generation, in sentences without a full stop.
    """

    method: str
    model: str
    calls: tuple[SiteCall, ...]
    matches: tuple[Match, ...]
    seconds: tuple[tuple[Position, float], ...]
    generations: int
    unplanned: int
    notes: tuple[str, ...] = ()

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
            "notes": list(self.notes),
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

    def __repr__(self) -> str:
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
        lines += [f"  {note}" for note in self.notes]
        if not any(call.reduced for call in self.calls):
            lines.append("  nothing was reduced in this generation")
        return "\n".join(lines)

    def _steps(self) -> list[str]:
        """Return one line for all steps that did the same."""
        rows: dict[int, Counter[str]] = {}
        for call in self.calls:
            tokens = call.layout.image
            done = "skipped" if call.skipped else call.phase.value
            what = f"{call.phase.value}, {tokens - call.removed} of {tokens} tokens" if tokens else done
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
