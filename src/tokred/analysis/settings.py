"""How much an analysis watches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tokred.bench.settings import check_samples
from tokred.bench.subject import Subject, check_draws
from tokred.errors import SpecError
from tokred.parts import GridMatcher
from tokred.parts.checks import check_at_least

SAMPLES = 32
LAGS = (1, 2, 4, 8)
BATCH = 4

_MEANINGS = {
    "steps": "the number of denoising steps",
    "samples": "the number of generations",
    "batch": "the number of pictures that go through the model at once",
    "interval": "the number of steps from one match to the next, where penalties are compared",
}


@dataclass(frozen=True, kw_only=True)
class AnalysisSettings:
    """How much an analysis watches, and what it compares.

    Attributes:
        steps: denoising steps of each generation, more than the longest lag.
        samples: number of generations, at least 1.
        seeds: the seed of each.
        lags: distances in steps that are compared, ascending, each at least 1; 0 always is.
        ratio: share of the image tokens that pairs, and the reduced runs, remove, in (0, 0.75].
        batch: pictures that go through the model at once, at least 1.
        dense_first: dense steps at the start of the reduced runs.
        interval: steps from one match to the next where penalties are compared: long, so that errors have time to stay.
        penalties: weights of the selection-frequency penalty that are compared; the first one is 0.
        command: the command that does the same again; empty where there is none.

    Raises:
        SpecError: if a value is out of range.
    """

    steps: int
    samples: int
    seeds: tuple[int, ...]
    lags: tuple[int, ...] = LAGS
    ratio: float = 0.5
    batch: int = BATCH
    dense_first: int = 4
    interval: int = 6
    penalties: tuple[float, ...] = (0.0, 0.05)
    command: str = ""

    def __post_init__(self) -> None:
        for name, meaning in _MEANINGS.items():
            check_at_least(name, getattr(self, name), 1, meaning)
        if len(self.seeds) != self.samples:
            raise SpecError(f"seeds has {len(self.seeds)} entries, and samples={self.samples}: give one seed each.")
        for seed in self.seeds:
            if not 0 <= seed < 2**63:
                raise SpecError(f"seed={seed} must be in [0, 2**63): it starts the random generator of a picture.")
        if not 0 < self.ratio <= GridMatcher().max_ratio:
            raise SpecError(
                f"ratio={self.ratio} must be in (0, {GridMatcher().max_ratio}]: the share of tokens removed."
            )
        if not self.lags or list(self.lags) != sorted(set(self.lags)) or self.lags[0] < 1:
            raise SpecError(f"lags={self.lags!r} must be at least one number of steps, each at least 1, ascending.")
        least = 1 + max(self.lags[-1], self.dense_first)
        if self.steps < least:
            raise SpecError(
                f"steps={self.steps} are too few to compare steps {self.lags[-1]} apart, and to reduce after "
                f"{self.dense_first} dense ones. Take at least {least}, or smaller lags."
            )

    @property
    def batches(self) -> list[tuple[int, ...]]:
        """The seeds, as they go through the model."""
        return [self.seeds[start : start + self.batch] for start in range(0, self.samples, self.batch)]


def settings_for(
    subject: Subject,
    *,
    steps: int | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
    lags: Sequence[int] = LAGS,
    ratio: float = 0.5,
    command: str = "",
) -> AnalysisSettings:
    """Return how to analyse a model; what is not given is the default.

    Args:
        subject: a pipeline that draws.
        steps: denoising steps; by default what the model is meant for.
        samples: number of generations.
        seed: of the first; the next ones count up.
        lags: see `AnalysisSettings`.
        ratio: see `AnalysisSettings`.
        command: see `AnalysisSettings`.

    Raises:
        SpecError: a value is out of range, or the model does not draw pictures.
    """
    check_draws(subject)
    if subject.outputs == "clips":
        raise SpecError(
            f"{subject.name!r} draws clips, and an analysis looks at pictures. Name a model that draws them."
        )
    check_samples(samples)
    return AnalysisSettings(
        steps=usual_steps(subject) if steps is None else steps,
        samples=samples,
        seeds=tuple(range(seed, seed + samples)),
        lags=tuple(lags),
        ratio=ratio,
        batch=watched_at_once(subject),
        command=command,
    )


def usual_steps(subject: Subject) -> int:
    """Return the denoising steps that a subject is meant for."""
    return subject.settings(samples=1).steps


def watched_at_once(subject: Subject) -> int:
    """Return how many pictures go through a model at once while it is watched: as many as are measured, a few."""
    return min(BATCH, subject.settings(samples=BATCH).batch)
