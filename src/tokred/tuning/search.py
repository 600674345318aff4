"""The search: what a ranking proposes and its neighbours, on few samples; then the best of them on more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tokred.bench.curve import pareto_front
from tokred.errors import SpecError
from tokred.tuning.candidate import Candidate
from tokred.tuning.ranking import Ranked
from tokred.tuning.space import neighbour
from tokred.tuning.target import Target

KEPT = 3
"""One in so many candidates goes on to twice the samples."""
PROPOSED = 2 / 3
"""The share of the candidates that the ranking proposes; the others are next to the best so far."""
NEAREST = 3
"""Trials on the front, the nearest to the target, whose neighbours are tried."""
TRIES = 50
"""How often something new is looked for before the space counts as exhausted."""


@dataclass(frozen=True)
class Trial:
    """What was found of a candidate.

    Attributes:
        candidate: what was tried.
        compute: its operations over those of the dense model, as the run's report has them.
        values: PSNR of each sample, in dB.
    """

    candidate: Candidate
    compute: float
    values: tuple[float, ...]

    @property
    def samples(self) -> int:
        """How many samples there were."""
        return len(self.values)

    @property
    def cost(self) -> float:
        """Its place on a front, see `tokred.bench.curve`."""
        return self.compute

    @property
    def mean(self) -> float:
        """Its quality, higher is better."""
        return sum(self.values) / len(self.values)


Measure = Callable[[Candidate, int], Trial]
"""Tries a candidate on the first so many samples."""

Ahead = Callable[[Sequence[Candidate], int], None]
"""Is told of candidates that will be tried on the first so many samples, in any order."""


def search(
    measure: Measure,
    proposals: Sequence[Ranked],
    target: Target,
    *,
    candidates: int,
    samples: int,
    most: int,
    seed: int,
    ahead: Ahead = lambda candidates, samples: None,
) -> Iterator[Trial]:
    """Yield trials, rung by rung: all candidates on `samples`, the best third of them on twice as many, and so on.

    On the first rung there are the proposals that should come nearest to the target, then neighbours of the best. The
    best third are those on the Pareto front of quality over compute, then those on the front without them, and so on.

    Args:
        measure: tries a candidate.
        proposals: schedules, with the PSNR that they should have.
        target: what is wanted.
        candidates: how many are tried on the first rung.
        samples: of the first rung.
        most: samples of the last rung.
        seed: of the draws of neighbours.
        ahead: is told which candidates of a rung follow.
    """
    trials: list[Trial] = []
    for candidate in _first_rung(Random(seed), proposals, target, candidates, trials):
        trials.append(measure(candidate, samples))
        yield trials[-1]
    while samples < most:
        samples = min(2 * samples, most)
        best = ranked(trials, target)[: max(1, len(trials) // KEPT)]
        trials = []
        ahead([trial.candidate for trial in best], samples)
        for trial in best:
            trials.append(measure(trial.candidate, samples))
            yield trials[-1]


def samples_at_most(candidates: int, samples: int, most: int) -> int:
    """Return how many samples `search` has drawn at most; see there."""
    drawn, tried = candidates * samples, candidates
    while samples < most:
        more = min(2 * samples, most)
        tried = max(1, tried // KEPT)
        drawn += tried * (more - samples)
        samples = more
    return drawn


def front(trials: Iterable[Trial], target: Target) -> list[Trial]:
    """Return the trials that are better than all that cost no more, the nearest to the target first."""
    best = pareto_front(trials, higher=True)
    return sorted(best, key=lambda trial: target.distance(trial.compute, trial.mean))


def ranked(trials: Sequence[Trial], target: Target) -> list[Trial]:
    """Return the trials on the front, then those on the front without them, and so on."""
    order, rest = [], list(trials)
    while rest:
        order += (first := front(rest, target))
        rest = [trial for trial in rest if trial not in first]
    return order


def _first_rung(
    random: Random, proposals: Sequence[Ranked], target: Target, number: int, trials: Sequence[Trial]
) -> Iterator[Candidate]:
    """Yield candidates, each once; `trials` grows with the answers."""
    seen: list[Candidate] = []
    for candidate in _proposed(proposals, target, round(PROPOSED * number), trials):
        seen.append(candidate)
        yield candidate
    while trials and len(seen) < number:
        best = front(trials, target)[:NEAREST]
        drawn = (neighbour(random, random.choice(best).candidate) for _ in range(TRIES))
        found = next((each for each in drawn if each not in seen and each.saves and _buildable(each)), None)
        if found is None:
            return
        seen.append(found)
        yield found


def _proposed(proposals: Sequence[Ranked], target: Target, number: int, trials: Sequence[Trial]) -> Iterator[Candidate]:
    """Yield the proposals nearest to the target; what they should have is corrected by what the others had."""
    left, taken = list(proposals), list[Ranked]()
    while left and len(taken) < number:
        off = sum(trial.mean - one.psnr for trial, one in zip(trials, taken, strict=False)) / max(1, len(taken))
        taken.append(min(left, key=lambda one: target.distance(one.compute, one.psnr + off)))
        left.remove(taken[-1])
        yield Candidate.of(taken[-1])


def _buildable(candidate: Candidate) -> bool:
    """Say whether its parts fit together; a signal may need more dense steps than come before its first match."""
    try:
        candidate.contender()
    except SpecError:
        return False
    return True
