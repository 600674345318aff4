"""How many steps, samples and repetitions a benchmark takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from tokred.errors import SpecError
from tokred.parts.checks import check_at_least

_MEANINGS = {
    "steps": "the number of denoising steps",
    "samples": "the number of samples that each method is measured on",
    "pairs": "the number of times that dense and method are timed, one after the other",
    "batch": "the number of samples that go through the model at once",
    "timing_batch": "the number of samples that go through the model at once while time is taken",
}
MOST = 1_000_000
"""Samples at most: the largest tables have 50,000."""
KEPT = 200
"""Bytes of a sample in the results of a run: a seed, and a value of each metric."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is the same for everything that is compared.

    Attributes:
        steps: denoising steps of the dense reference, at least 1; 1 for a classifier.
        samples: outputs that each run is measured on, at least 1.
        seeds: the seed of each sample, in [0, 2**63).
        pairs: timed pairs of a dense and a method generation, at least 1.
        batch: samples that go through the model at once, at least 1.
        timing_batch: the same while time is taken, at least 1.
        command: the command that does the same again; empty where there is none.

    Raises:
        SpecError: if a value is out of range.
    """

    steps: int
    samples: int
    seeds: tuple[int, ...]
    pairs: int
    batch: int
    timing_batch: int
    command: str

    def __post_init__(self) -> None:
        for name, meaning in _MEANINGS.items():
            check_at_least(name, getattr(self, name), 1, meaning)
        if len(self.seeds) != self.samples:
            raise SpecError(f"seeds has {len(self.seeds)} entries, and samples={self.samples}: give one seed each.")
        for seed in self.seeds:
            if not 0 <= seed < 2**63:
                raise SpecError(f"seed={seed} must be in [0, 2**63): it starts the random generator of a sample.")

    @classmethod
    def from_seed(cls, seed: int, *, steps: int, samples: int, pairs: int, batch: int, timing_batch: int) -> Self:
        """Take the seeds `seed`, `seed + 1`, ..., no more of them at once than there are, and no command.

        Raises:
            SpecError: if a value is out of range.
        """
        check_samples(samples)
        return cls(
            steps=steps,
            samples=samples,
            seeds=tuple(range(seed, seed + samples)),
            pairs=pairs,
            batch=max(1, min(batch, samples)),
            timing_batch=max(1, min(timing_batch, samples)),
            command="",
        )

    @property
    def batches(self) -> list[tuple[int, ...]]:
        """The seeds, as they go through the model."""
        return [self.seeds[start : start + self.batch] for start in range(0, self.samples, self.batch)]

    @property
    def size(self) -> str:
        """How much is measured, in words."""
        return f"{self.steps} step{'s' * (self.steps > 1)}, {self.samples} samples"


def check_samples(samples: int, name: str = "samples") -> None:
    """Refuse more samples than could be kept; `name` is what messages call their number.

    Raises:
        SpecError: likewise, with an estimate of what they would take.
    """
    if samples > MOST:
        raise SpecError(
            f"{name}={samples} is too many: their seeds and values alone take about {samples * KEPT / 2**30:,.1f} GB "
            f"for each run. Give at most {MOST:,}."
        )
