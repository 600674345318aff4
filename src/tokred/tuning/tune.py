"""Tuning: the search on some seeds, and the benchmark of what it found on others."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from tokred.bench import Contender, Journal, Subject
from tokred.bench.quality import measured, of_each
from tokred.errors import SpecError
from tokred.metrics import psnr
from tokred.metrics.psnr import METRIC
from tokred.parts import Program
from tokred.registry import build_method
from tokred.tuning.candidate import DENSE, Candidate
from tokred.tuning.carry import ORDER, measure_carry
from tokred.tuning.ranking import Ranked, predicted_psnr, rank_schedules
from tokred.tuning.recording import Recording, record
from tokred.tuning.search import Trial, front, search
from tokred.tuning.target import Target

FINALISTS = 8
"""How many methods are benchmarked."""
PRESETS = ("quality", "balanced", "fast")
"""Schedules that are tried beside those that the search makes."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is tried.

    Attributes:
        candidates: methods that are tried on the fewest samples, at least 1.
        samples: samples of each on the first rung, at least 1.
        most: samples of each on the last rung; as many are recorded.
        seed: of the draws and of the first sample; the next ones count up.
    """

    candidates: int = 24
    samples: int = 2
    most: int = 4
    seed: int = 5000

    def __post_init__(self) -> None:
        if self.candidates < 1 or not 1 <= self.samples <= self.most:
            raise SpecError(
                f"candidates={self.candidates} and samples={self.samples} must be at least 1, and most={self.most} at "
                "least the samples: the best candidates are tried on more."
            )

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the samples."""
        return tuple(range(self.seed, self.seed + self.most))


def find_finalists(
    subject: Subject,
    steps: int,
    target: Target,
    effort: Effort,
    batch: int,
    tell: Callable[[Trial], None],
    journal: Journal | None = None,
) -> list[Contender]:
    """Search, and return those on the front of the last rung that are nearest to the target, the cheapest first.

    Args:
        subject: a pipeline that draws, with a diffusers scheduler.
        steps: denoising steps.
        target: what is wanted.
        effort: how much is tried.
        batch: samples that go through the model at once.
        tell: is told of every trial.
        journal: keeps every trial, and knows those of an earlier process.

    Raises:
        SpecError: if there is no step that could be skipped, or the subject's outputs cannot be recorded.
    """
    recording = record(subject, effort.seeds, steps)
    if recording.steps < 2:
        raise SpecError(f"steps={steps}: with a single step there is none to skip. Take 2 or more.")
    measure = _Measuring(subject, steps, effort.seeds, recording.pictures, batch, journal or Journal(), tell)

    def draw(dense: tuple[bool, ...]) -> torch.Tensor:
        return torch.tensor(measure(Candidate.of(Ranked(dense, ORDER, 0.0)), effort.samples).values)

    carry = measure_carry(recording, draw)
    proposals = [*_presets(recording, carry), *rank_schedules(recording, carry)]
    trials = search(
        measure,
        list({(each.dense, each.order): each for each in proposals}.values()),
        target,
        candidates=effort.candidates,
        samples=effort.samples,
        most=effort.most,
        seed=effort.seed,
    )
    last = [trial for trial in trials if trial.samples == effort.most]
    best = front(last, target)[:FINALISTS]
    return [trial.candidate.contender() for trial in sorted(best, key=lambda trial: trial.compute)]


class _Measuring:
    """Tries candidates against dense pictures of the same seeds, on none of them twice."""

    def __init__(
        self,
        subject: Subject,
        steps: int,
        seeds: Sequence[int],
        dense: torch.Tensor,
        batch: int,
        journal: Journal,
        tell: Callable[[Trial], None],
    ) -> None:
        self.subject = subject
        self.steps = steps
        self.seeds = seeds
        self.dense = dense
        self.batch = batch
        self.journal = journal
        self.tell = tell
        self.known = journal.trials()
        self.tried: dict[Candidate, Trial] = {}

    def __call__(self, candidate: Candidate, samples: int) -> Trial:
        """Try a candidate on the first samples, or recall what it gave."""
        before = self.tried.get(candidate)
        had = before.values if before else ()
        if before is None or len(had) < samples:
            compute, *values = self._found(candidate, range(len(had), samples))
            self.tried[candidate] = before = Trial(candidate, compute, (*had, *values))
        trial = dataclasses.replace(before, values=before.values[:samples])
        self.tell(trial)
        return trial

    def _found(self, candidate: Candidate, places: range) -> list[float]:
        """Return compute and the quality of some samples, from the journal where it has them."""
        seeds = [self.seeds[place] for place in places]
        trial = {"model": self.subject.name, "steps": self.steps, "seeds": seeds, **dataclasses.asdict(candidate)}
        found = self.known.get(json.dumps(trial))
        if found is None:
            found = self._measured(candidate, seeds, self.dense[places.start : places.stop])
            self.journal.keep_trial(trial, found)
        return found

    def _measured(self, candidate: Candidate, seeds: Sequence[int], dense: torch.Tensor) -> list[float]:
        with candidate.contender().applied(self.subject.model) as run:
            parts = [seeds[start : start + self.batch] for start in range(0, len(seeds), self.batch)]
            made = torch.cat([self.subject.generate(part, self.steps) for part in parts])
            assert run is not None, "candidates are methods"
            return [run.report().compute, *of_each(measured(METRIC, psnr, made, dense)).tolist()]


def _presets(recording: Recording, carry: torch.Tensor) -> list[Ranked]:
    """Return the presets' schedules, with the PSNR that they should have."""
    found = []
    for name in PRESETS:
        scheduler = build_method(name, {}).scheduler
        assert isinstance(scheduler, Program)
        dense = tuple(step == DENSE for step in scheduler.steps(recording.steps))
        quality = predicted_psnr(recording, carry, torch.tensor([dense]), ORDER)
        found.append(Ranked(dense, ORDER, float(quality[0])))
    return [ranked for ranked in found if not all(ranked.dense)]
