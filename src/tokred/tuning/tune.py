"""Tuning: the search on some seeds, and the benchmark of what it found on others."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from tokred.bench import Contender, Journal, Subject
from tokred.bench.quality import measured, of_each
from tokred.bench.settings import check_samples
from tokred.bench.spreading import Engine, Here
from tokred.errors import SpecError
from tokred.metrics import psnr
from tokred.metrics.psnr import METRIC
from tokred.parts import Program
from tokred.parts.program import idle_steps
from tokred.registry import build_method
from tokred.tuning.candidate import DENSE, Candidate
from tokred.tuning.carry import ORDER, measure_carry, single_skips
from tokred.tuning.ranking import Ranked, predicted_psnr, rank_schedules
from tokred.tuning.recording import Recording, record
from tokred.tuning.search import Trial, front, samples_at_most, search
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
        check_samples(self.most, "tuning-samples")
        if self.candidates < 1 or not 1 <= self.samples <= self.most:
            raise SpecError(
                f"candidates={self.candidates} and samples={self.samples} must be at least 1, and most={self.most} at "
                "least the samples: the best candidates are tried on more."
            )

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the samples."""
        return tuple(range(self.seed, self.seed + self.most))

    def samples_at_most(self, steps: int) -> int:
        """Return how many samples are drawn at most: recorded, with single steps skipped, and by candidates."""
        skipped = len(single_skips(steps)) * self.samples
        return self.most + skipped + samples_at_most(self.candidates, self.samples, self.most)


def find_finalists(
    subject: Subject,
    steps: int,
    target: Target,
    effort: Effort,
    batch: int,
    tell: Callable[[Trial], None],
    journal: Journal | None = None,
    engine: Engine | None = None,
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
        engine: has other processes draw as well; what is found is the same.

    Raises:
        SpecError: if there is no step that could be skipped, or the subject's outputs cannot be recorded.
    """
    engine = engine or Here()
    recording = record(subject, effort.seeds, steps, engine)
    if recording.steps < 2:
        raise SpecError(f"steps={steps}: with a single step there is none to skip. Take 2 or more.")
    journal = journal or Journal()
    measure = _Measuring(subject, steps, effort.seeds, recording.pictures, batch, journal, tell, engine)

    def draw(dense: tuple[bool, ...]) -> torch.Tensor:
        return torch.tensor(measure(_skipping(dense), effort.samples).values)

    measure.ahead([_skipping(dense) for dense in single_skips(recording.steps)], effort.samples)
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
        ahead=measure.ahead,
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
        engine: Engine,
    ) -> None:
        self.subject = subject
        self.steps = steps
        self.seeds = seeds
        self.dense = dense
        self.batch = batch
        self.journal = journal
        self.tell = tell
        self.engine = engine
        self.known = journal.trials()
        self.tried: dict[Candidate, Trial] = {}

    def __call__(self, candidate: Candidate, samples: int) -> Trial:
        """Try a candidate on the first samples, or recall what it gave."""
        self.ahead([candidate], samples)
        trial = self.tried[candidate]
        trial = dataclasses.replace(trial, values=trial.values[:samples])
        self.tell(trial)
        return trial

    def ahead(self, candidates: Sequence[Candidate], samples: int) -> None:
        """Try candidates on what of the first samples they were not tried on, or recall what they gave."""
        new: list[_Part] = []
        for candidate in dict.fromkeys(candidates):
            had = len(self.tried[candidate].values) if candidate in self.tried else 0
            found = self.known.get(self._said(candidate, had, samples)) if had < samples else None
            if found:
                self._note(candidate, found)
            elif had < samples:
                starts = range(had, samples, self.batch)
                new += [self._part(candidate, start, min(start + self.batch, samples)) for start in starts]
        made: dict[int, list[float]] = {}
        for place, found in self.engine.each(_try, new, self.subject):
            made[place] = found
            mine = [each for each, part in enumerate(new) if part.candidate == new[place].candidate]
            if all(each in made for each in mine):
                self._keep(new[place].candidate, samples, [made[each] for each in mine])

    def _keep(self, candidate: Candidate, samples: int, parts: Sequence[Sequence[float]]) -> None:
        """Keep what was found of a candidate on samples up to a number, a part after the other."""
        found = [parts[-1][0], *(value for _, *values in parts for value in values)]
        self.journal.keep_trial(json.loads(self._said(candidate, samples - len(found) + 1, samples)), found)
        self._note(candidate, found)

    def _said(self, candidate: Candidate, had: int, samples: int) -> str:
        """Return how a journal calls a trial on some of the samples."""
        seeds = list(self.seeds[had:samples])
        return json.dumps(
            {"model": self.subject.name, "steps": self.steps, "seeds": seeds, **dataclasses.asdict(candidate)}
        )

    def _part(self, candidate: Candidate, start: int, stop: int) -> _Part:
        return _Part(candidate, self.steps, tuple(self.seeds[start:stop]), self.dense[start:stop])

    def _note(self, candidate: Candidate, found: Sequence[float]) -> None:
        compute, *values = found
        had = self.tried[candidate].values if candidate in self.tried else ()
        self.tried[candidate] = Trial(candidate, compute, (*had, *values))


@dataclass(frozen=True)
class _Part:
    """A candidate, to be tried on samples that go through the model at once.

    Attributes:
        candidate: what is tried.
        steps: denoising steps.
        seeds: of the samples.
        dense: their dense pictures, `[B, 3, H, W]`; of video `[B, F, 3, H, W]`.
    """

    candidate: Candidate
    steps: int
    seeds: tuple[int, ...]
    dense: torch.Tensor


def _try(subject: Subject, part: _Part) -> list[float]:
    """Return the compute of a candidate, and the quality of each sample."""
    with part.candidate.contender().applied(subject.model) as run:
        made = subject.generate(part.seeds, part.steps)
        assert run is not None, "candidates are methods"
        return [run.report().compute, *of_each(measured(METRIC, psnr, made, part.dense)).tolist()]


def _skipping(dense: tuple[bool, ...]) -> Candidate:
    return Candidate.of(Ranked(dense, ORDER, 0.0))


def _presets(recording: Recording, carry: torch.Tensor) -> list[Ranked]:
    """Return the presets' schedules, with the PSNR that they should have."""
    found = []
    for name in PRESETS:
        scheduler = build_method(name, {}).scheduler
        assert isinstance(scheduler, Program)
        idle = idle_steps(tuple(recording.shares.tolist()))
        dense = tuple(step == DENSE for step in scheduler.steps(recording.steps, idle))
        quality = predicted_psnr(recording, carry, torch.tensor([dense]), ORDER)
        found.append(Ranked(dense, ORDER, float(quality[0])))
    return [ranked for ranked in found if not all(ranked.dense)]
