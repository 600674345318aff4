"""How much a benchmark has to do, and how long that takes, before it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from tokred.bench.journal import Journal
from tokred.bench.lineup import Lineup
from tokred.bench.making import generations_of, samples_of
from tokred.bench.measure import seconds
from tokred.bench.settings import Settings
from tokred.bench.subject import Subject


@dataclass(frozen=True)
class Workload:
    """What is still to be done; everything counts as if the dense model did it, which takes longest.

    Attributes:
        runs: labels of the runs that are to be measured.
        generations: calls of the pipeline or model, with those that are timed or counted.
        samples: pictures, or whatever it makes, of all these calls.
        steps: denoising steps of each; 1 of a classifier.
    """

    runs: tuple[str, ...]
    generations: int
    samples: int
    steps: int

    @classmethod
    def of(cls, lineup: Lineup, settings: Settings, journal: Journal) -> Self:
        """Count what a benchmark has to do beyond what its journal knows."""
        earlier = journal.earlier
        pending = lineup.pending((*earlier.rows, *earlier.failed) if earlier else ())
        parts = {"dense": earlier is None, "outputs": journal.dense() is None and bool(pending)}
        counted = generations_of(settings, len(pending), **parts), samples_of(settings, len(pending), **parts)
        return cls(tuple(each.label for each in pending), *counted, settings.steps)

    def estimate(self, subject: Subject, settings: Settings) -> float:
        """Return about how many seconds it takes, from one dense generation, which is made for this.

        Methods are taken for as slow as the dense model, and metrics for free.
        """
        return self.samples * seconds(lambda: subject.generate(settings.seeds[:1], settings.steps))

    def __str__(self) -> str:
        calls = f", {self.samples * self.steps:,} denoising steps" if self.steps > 1 else ""
        return (
            f"{len(self.runs)} run{'s' * (len(self.runs) != 1)}: {self.samples:,} samples in {self.generations:,} "
            f"calls{calls}, the dense model's and all that are timed or counted among them"
        )


def duration(seconds: float) -> str:
    """Write a time in the unit that suits it."""
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}" if seconds >= 10 * size else f"{seconds / size:.1f} {unit}"
    return f"{max(1, round(seconds))} second{'s' * (round(seconds) > 1)}"
