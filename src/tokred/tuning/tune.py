"""Tuning: the search on some seeds, and the benchmark of what it found on others."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from tokred.bench import Contender, Journal, Subject
from tokred.bench.measure import count_flops
from tokred.errors import SpecError
from tokred.metrics import psnr
from tokred.tuning.candidate import Candidate
from tokred.tuning.halving import Trial, front, search

FINALISTS = 8
"""How many methods are benchmarked."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is tried.

    Attributes:
        candidates: methods that are tried on the fewest samples, at least 1.
        samples: samples of each on the first rung, at least 1.
        most: samples of each on the last rung.
        seed: of the draws and of the first sample; the next ones count up.
    """

    candidates: int = 200
    samples: int = 2
    most: int = 8
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
    effort: Effort,
    batch: int,
    tell: Callable[[Trial], None],
    journal: Journal | None = None,
) -> list[Contender]:
    """Search, and return the front of the last rung, thinned evenly to `FINALISTS`, the cheapest first.

    Args:
        subject: a model that draws.
        steps: denoising steps.
        effort: how much is tried.
        batch: samples that go through the model at once.
        tell: is told of every trial.
        journal: keeps every trial, and knows those of an earlier process.
    """
    last: list[Trial] = []
    measure = _Measuring(subject, steps, effort.seeds, batch, journal or Journal())
    trials = search(
        measure,
        steps=steps,
        candidates=effort.candidates,
        samples=effort.samples,
        most=effort.most,
        seed=effort.seed,
    )
    for trial in trials:
        tell(trial)
        last = [*(last if last and last[-1].samples == trial.samples else []), trial]
    return [trial.candidate.contender() for trial in _thinned(front(last))]


class _Measuring:
    """Tries candidates against dense pictures of the same seeds."""

    def __init__(self, subject: Subject, steps: int, seeds: Sequence[int], batch: int, journal: Journal) -> None:
        self.journal = journal
        self.known = journal.trials()
        self.subject = subject
        self.steps = steps
        self.batches = [seeds[start : start + batch] for start in range(0, len(seeds), batch)]
        self.dense = torch.cat([subject.generate(batch, steps) for batch in self.batches])
        self.flops = self._flops()

    def __call__(self, candidate: Candidate, samples: int) -> Trial:
        """Try a candidate on the first samples, or recall what it gave."""
        trial = {"model": self.subject.name, "steps": self.steps, "seed": self.batches[0][0], "samples": samples}
        trial |= dataclasses.asdict(candidate)
        known = self.known.get(json.dumps(trial))
        compute, quality = known or self._measured(candidate, samples)
        if known is None:
            self.journal.keep_trial(trial, (compute, quality))
        return Trial(candidate, compute, quality, samples)

    def _measured(self, candidate: Candidate, samples: int) -> tuple[float, float]:
        """Return compute and quality."""
        seeds = [seed for batch in self.batches for seed in batch][:samples]
        size = len(self.batches[0])
        with candidate.contender().applied(self.subject.model):
            compute = self._flops() / self.flops
            parts = [seeds[start : start + size] for start in range(0, samples, size)]
            made = torch.cat([self.subject.generate(part, self.steps) for part in parts])
        values = psnr(made, self.dense[:samples])
        return compute, float(torch.as_tensor(values).mean())

    def _flops(self) -> int:
        return count_flops(lambda: self.subject.generate(self.batches[0][:1], self.steps))


def _thinned(trials: Sequence[Trial]) -> list[Trial]:
    if len(trials) <= FINALISTS:
        return list(trials)
    places = [round(i * (len(trials) - 1) / (FINALISTS - 1)) for i in range(FINALISTS)]
    return [trials[place] for place in places]
