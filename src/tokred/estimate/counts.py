"""The work of each phase of a method, counted on a device that is not there."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from tokred.bench.contender import Contender
from tokred.engine.run import Run
from tokred.errors import SpecError
from tokred.estimate.calls import DTYPE
from tokred.estimate.counting import Counter, Work
from tokred.estimate.models import RealModel
from tokred.estimate.workbench import Loop, Workbench
from tokred.interfaces import Phase, SiteInfo

MANY_STEPS = 12
"""Steps that are counted at most: by then every schedule has shown each of its phases."""


@dataclass(frozen=True)
class Counts:
    """What a generation asks for.

    Attributes:
        work: of one step of each phase, the last of its kind that was counted.
        steps: how many steps of a generation are of each phase.
        weights: bytes of the model.
        remembered: bytes that the method remembers.
    """

    work: dict[str, Work]
    steps: dict[str, int]
    weights: int
    remembered: int = 0


@contextmanager
def pretended(model: RealModel, pixels: int, steps: int) -> Iterator[Loop]:
    """Give a model of real size on a CUDA device; neither it nor the device is there."""
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        yield Workbench("cuda", tiny=False, steps=steps).subject(model, pixels)


def count(subject: Loop, contender: Contender | None) -> Counts:
    """Count a generation, densely or with a method; only its first steps are made, the rest are as planned.

    Raises:
        SpecError: if the method decides by values, which are not there, or its first steps show too few phases.
    """
    try:
        return _count(subject, contender)
    except DataDependentOutputException as error:
        label = contender.label if contender else "the model"
        raise SpecError(
            f"{label} decides by values that it computes, and an estimate has none. Measure it with tokred bench."
        ) from error


def _count(subject: Loop, contender: Contender | None) -> Counts:
    model, steps = subject.model, len(subject.moments)
    seen: list[tuple[str, Work]] = []
    with contender.applied(model) if contender else nullcontext() as run, Counter() as counter:
        for index in range(min(MANY_STEPS, steps) if run else 1):
            counter.begin()
            subject.step(index)
            seen.append((_phase(run, index), counter.begin()))
        planned = [phase for phase, _ in seen] + [_planned(run, index, steps) for index in range(len(seen), steps)]
        remembered = run.memory(subject.batch, subject.layout, DTYPE) if run else 0
    work = dict(seen)
    if missing := set(planned) - set(work):
        raise SpecError(f"Nothing of {', '.join(sorted(missing))} is done in {MANY_STEPS} steps; no more are counted.")
    return Counts(work, dict(Tally(planned)), sum(p.numel() * p.element_size() for p in model.parameters()), remembered)


def _phase(run: Run | None, step: int) -> str:
    """Return what was done at a step that was just made: "dense", "match", "reduce", "match+reduce", or several."""
    if run is None:
        return Phase.DENSE.value
    return " and ".join(sorted({call.phase.value for call in run.calls if call.position.step == step}))


def _planned(run: Run | None, step: int, steps: int) -> str:
    """Return what is planned for a step at all sites."""
    if run is None:
        return Phase.DENSE.value
    site = SiteInfo(run.sites[0], "block", 0, 1)
    return str(run.method.scheduler.plan(step, steps, site, ()).phase.value)
