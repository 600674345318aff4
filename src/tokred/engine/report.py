"""What a run computed, site by site and step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from tokred.engine.site_call import SiteCall
from tokred.engine.steps import Position
from tokred.engine.token_map import TokenMap, maps_of
from tokred.interfaces import Match, Phase


@dataclass(frozen=True)
class Kept:
    """What a match kept.

    Attributes:
        step: at which it was made.
        site: name of the site.
        places: of the tokens that it keeps, ascending.
    """

    step: int
    site: str
    places: tuple[int, ...]


@dataclass(frozen=True, repr=False)
class Report:
    """What the last generation of a run computed: plain data, shown as a short table.

    Attributes:
        method: name of the method.
        model: class of the model.
        calls: every site call, in order.
        matches: every step at which sites matched, in order, with the pair match ratios that were measured.
        kept: the tokens that the middle one of the sites kept at each match, of the first sample.
        seconds: step and duration of every model call.
        generations: number of generations so far.
        unplanned: number of times that something could not be done as planned and ran dense.
        notes: what else is to be known of the generation, in sentences without a full stop.
    """

    method: str
    model: str
    calls: tuple[SiteCall, ...]
    matches: tuple[Match, ...]
    kept: tuple[Kept, ...]
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
        dense = self.dense_flops
        return self.flops / dense if dense else 1.0

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

    @property
    def computed(self) -> dict[int, float]:
        """The share of the image tokens that the sites computed at each step, in [0, 1]; the mean over their calls."""
        tokens: Counter[int] = Counter()
        computed: Counter[int] = Counter()
        for call in self.calls:
            tokens[call.position.step] += call.layout.image or 1
            computed[call.position.step] += (call.layout.image or 1) - (call.removed or call.skipped)
        return {step: computed[step] / tokens[step] for step in tokens}

    @property
    def token_maps(self) -> tuple[TokenMap, ...]:
        """What the middle one of the sites computed at each step, as maps; none where there is no grid of tokens."""
        return tuple(maps_of(self))

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

    @property
    def steps(self) -> dict[int, StepRow]:
        """What all site calls of each step computed together."""
        calls: dict[int, list[SiteCall]] = {}
        for call in self.calls:
            calls.setdefault(call.position.step, []).append(call)
        return {step: StepRow.of(made) for step, made in calls.items()}

    @property
    def summary(self) -> list[str]:
        """What the generation comes to, in lines; the first is its title."""
        if not self.calls:
            dense = f" {self.unplanned} calls ran dense (see the warnings)." if self.unplanned else ""
            return [f"{self.method} on {self.model}: nothing has been planned yet.{dense}"]
        saved = self.seconds_saved
        time = "not known: no dense call to compare with" if saved is None else f"{saved:.3f} s"
        lines = [f"{self.method} on {self.model}, generation {self.generations}"]
        lines.append(f"site FLOPs {self.flops:.3g} of {self.dense_flops:.3g} ({self.compute:.1%}); time saved {time}")
        if any(match.pmr is not None for match in self.matches):
            seen = ", ".join(f"{match.pmr:.2f} at {match.step}" for match in self.matches if match.pmr is not None)
            lines.append(f"pair match ratio with the match before, by step: {seen}")
        if self.unplanned:
            lines.append(f"{self.unplanned} calls could not be reduced as planned and ran dense (see the warnings)")
        lines += self.notes
        if not any(call.reduced for call in self.calls):
            lines.append("nothing was reduced in this generation")
        return lines

    def __repr__(self) -> str:
        title, *more = self.summary
        alike: dict[str, list[int]] = {}
        for step, row in self.steps.items():
            alike.setdefault(row.what, []).append(step)
        lines = [*(f"{_ranges(steps)}: {what}" for what, steps in alike.items()), *more]
        return "\n".join([title, *(f"  {line}" for line in lines)])

    def _repr_html_(self) -> str:
        from tokred.engine.notebook import report_html

        return report_html(self)


@dataclass(frozen=True)
class StepRow:
    """What the site calls of one step computed.

    Attributes:
        what: how many calls did what, in words.
        tokens: image tokens of all calls.
        computed: those of them that were computed.
    """

    what: str
    tokens: int
    computed: int

    @classmethod
    def of(cls, calls: Sequence[SiteCall]) -> Self:
        """Sum up the calls of a step."""
        tokens = [call.layout.image for call in calls]
        computed = [call.layout.image - call.removed for call in calls]
        said = Counter(call.what for call in calls)
        what = "; ".join(f"{count} site calls: {text}" for text, count in said.items())
        return cls(what, sum(tokens), sum(computed))


def _ranges(steps: list[int]) -> str:
    """Write ascending steps in short: "steps 0-3, 5"."""
    runs: list[list[int]] = []
    for step in steps:
        if runs and step == runs[-1][-1] + 1:
            runs[-1].append(step)
        else:
            runs.append([step])
    return "steps " + ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
