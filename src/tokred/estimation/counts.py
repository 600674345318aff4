"""The work of each phase of a method, counted on a device that is not there."""

from __future__ import annotations

from collections import Counter as Tally
from contextlib import nullcontext
from dataclasses import dataclass

from tokred.bench.contender import Contender
from tokred.engine.run import Run
from tokred.errors import SpecError
from tokred.estimation.counting import Counter, Work
from tokred.estimation.fakes import reading
from tokred.estimation.looped import Looped
from tokred.interfaces import Phase

ENOUGH = 2
"""Steps that are counted of a kind; a first one also makes what it keeps."""


@dataclass(frozen=True)
class Counts:
    """What a generation asks for.

    Attributes:
        work: of one step of each phase, the last of its kind that was counted.
        steps: how many steps of a generation are of each phase.
        remembered: bytes that the method remembers.
    """

    work: dict[str, Work]
    steps: dict[str, int]
    remembered: int = 0


def count(subject: Looped, contender: Contender | None) -> Counts:
    """Count a generation, densely or with a method; of steps that are planned alike only the first ones are made.

    Raises:
        SpecError: if the method or the model decides by values, which are not there.
    """
    with reading(contender.label if contender else type(subject.model).__name__), subject.mode:
        return _count(subject, contender)


def _count(subject: Looped, contender: Contender | None) -> Counts:
    made: Tally[Planned] = Tally()
    phases: dict[Planned, str] = {}
    work: dict[str, Work] = {}
    with contender.applied(subject.model) if contender else nullcontext() as run, Counter() as counter:
        planned = _planned(run, subject)
        for index, plan in enumerate(planned):
            made[plan] += 1
            if made[plan] <= (ENOUGH if run else 1):
                counter.begin()
                subject.step(index)
                phases[plan] = _named(_phase(run, index), plan, phases)
                work[phases[plan]] = counter.begin()
        remembered = run.memory(subject.batch, subject.layout) * len(subject.arguments) if run else 0
    return Counts(work, dict(Tally(phases[plan] for plan in planned)), remembered)


Planned = frozenset[tuple[Phase, float]]
"""What the sites do at a step, and at which ratios."""


def _planned(run: Run | None, subject: Looped) -> list[Planned]:
    """Return what is planned for each step at all sites.

    Raises:
        SpecError: if that depends on how good the matches are.
    """
    if run is None:
        return [frozenset()] * subject.steps
    never, always = (
        [frozenset((plan.phase, plan.ratio if plan.phase.reduces else 0.0) for plan in plans) for plans in steps]
        for steps in (run.planned(subject.steps, subject.layout, pmr) for pmr in (0.0, 1.0))
    )
    if never != always:
        raise SpecError(
            f"{run.method.name} matches anew where its pairs have changed, which an estimate cannot know. Measure it "
            "with tokred bench, or give it a fixed interval."
        )
    return always


def _phase(run: Run | None, step: int) -> str:
    """Return what was done at a step that was just made: "dense", "match", "reduce", "match+reduce", or several."""
    if run is None:
        return Phase.DENSE.value
    return " and ".join(sorted({call.phase.value for call in run.calls if call.position.step == step}))


def _named(phase: str, plan: Planned, phases: dict[Planned, str]) -> str:
    """Return a name for what was done, with the ratios where it is done at others too."""
    if phases.get(plan, phase) != phase or phase in {name for other, name in phases.items() if other != plan}:
        return f"{phase} {'/'.join(f'{ratio:g}' for _, ratio in sorted(plan, key=lambda each: each[1]))}"
    return phase
