"""The search: many candidates on few samples, then ever fewer on ever more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tokred.bench.curve import pareto_front
from tokred.errors import SpecError
from tokred.tuning.candidate import Candidate
from tokred.tuning.space import draw, neighbour

KEPT = 3
"""One in so many candidates goes on to twice the samples."""
DRAWN = 0.4
"""The share of the candidates that is drawn; the others are next to those on the front so far."""
TRIES = 50
"""How often something new is looked for before the space counts as exhausted."""


@dataclass(frozen=True)
class Trial:
    """What was found of a candidate.

    Attributes:
        candidate: what was tried.
        compute: its operations over those of the dense model.
        quality: the mean over samples of the metric, higher is better.
        samples: how many there were.
    """

    candidate: Candidate
    compute: float
    quality: float
    samples: int

    @property
    def cost(self) -> float:
        """Its place on a front, see `tokred.bench.curve`."""
        return self.compute

    @property
    def mean(self) -> float:
        """Likewise."""
        return self.quality


Measure = Callable[[Candidate, int], Trial]
"""Tries a candidate on the first so many samples."""


def search(measure: Measure, *, steps: int, candidates: int, samples: int, most: int, seed: int) -> Iterator[Trial]:
    """Yield trials, rung by rung: all candidates on `samples`, the best third of them on twice as many, and so on.

    On the first rung, candidates are drawn at first; later ones are neighbours of those on the Pareto front of quality
    over compute. The best third are those on the front, then those on the front without them, and so on.

    Args:
        measure: tries a candidate.
        steps: denoising steps.
        candidates: how many are tried on the first rung.
        samples: of the first rung.
        most: samples of the last rung.
        seed: of the draws.
    """
    random = Random(seed)
    trials: list[Trial] = []
    for candidate in _proposals(random, steps, candidates, trials):
        trials.append(measure(candidate, samples))
        yield trials[-1]
    while samples < most:
        samples = min(2 * samples, most)
        best = ranked(trials)[: max(1, len(trials) // KEPT)]
        trials = []
        for trial in best:
            trials.append(measure(trial.candidate, samples))
            yield trials[-1]


def front(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials that are better than all that cost no more, the cheapest first."""
    return list(pareto_front(trials, higher=True))


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials on the front, then those on the front without them, and so on."""
    order, rest = [], list(trials)
    while rest:
        order += (first := front(rest))
        rest = [trial for trial in rest if trial not in first]
    return order


def _proposals(random: Random, steps: int, number: int, trials: Sequence[Trial]) -> Iterator[Candidate]:
    """Yield candidates that were not tried before; `trials` grows with the answers."""
    seen: set[Candidate] = set()
    for _ in range(number):
        best = front(trials) if len(trials) > DRAWN * number else []
        for _ in range(TRIES):
            candidate = neighbour(random, random.choice(best).candidate) if best else draw(random, steps)
            if candidate not in seen and candidate.saves and _buildable(candidate):
                break
        else:
            return
        seen.add(candidate)
        yield candidate


def _buildable(candidate: Candidate) -> bool:
    """Say whether its parts fit together; a signal may need more dense steps than come before its first match."""
    try:
        candidate.contender()
    except SpecError:
        return False
    return True
