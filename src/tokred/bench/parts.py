"""A row in parts that several processes can measure: what a contender costs, and what it makes of some samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

from tokred.bench.attempt import attempt, failed
from tokred.bench.contender import Contender
from tokred.bench.making import Cost, Made, Making
from tokred.bench.result import Failed
from tokred.bench.settings import Settings
from tokred.bench.spreading import Engine
from tokred.bench.subject import Subject

PartFound = Cost | Made | Failed


@dataclass(frozen=True)
class Part:
    """A part of a contender's row.

    Attributes:
        contender: whose.
        settings: of the benchmark.
        places: of the batches that are made; without any, what the contender costs is measured.
    """

    contender: Contender
    settings: Settings
    places: tuple[int, ...] = ()

    @property
    def generations(self) -> int:
        """How many generations it takes."""
        return len(self.places) or 1 + 2 * (1 + self.settings.pairs)


def parts_of(contender: Contender, settings: Settings, processes: int) -> list[Part]:
    """Return the parts of a row, its batches shared out among so many processes."""
    shares = _shares(len(settings.batches), processes)
    return [Part(contender, settings), *(Part(contender, settings, places) for places in shares)]


def measure_part(subject: Subject, part: Part) -> PartFound:
    """Measure a part, or say what it raised."""
    making = Making(subject, part.settings)

    def measure() -> Cost | Made:
        contender = making.prepared(part.contender)
        return making.made(contender, part.places) if part.places else making.cost(contender)

    return attempt(part.contender, measure)


def lost_part(part: Part, said: str) -> PartFound:
    """Return what stands for a part that killed every process which tried it."""
    return failed(part.contender, said)


def whole_rows(
    engine: Engine, contenders: Sequence[Contender], settings: Settings, subject: Subject
) -> Iterator[tuple[Part, tuple[Cost, Made] | Failed | None]]:
    """Have rows measured; yield each part as it is done, and with the last one of a row all of that."""
    parts = [part for contender in contenders for part in parts_of(contender, settings, engine.processes)]
    found: dict[int, PartFound] = {}
    for place, one in engine.each(measure_part, parts, subject, lost_part):
        found[place] = one
        mine = [other for other, part in enumerate(parts) if part.contender is parts[place].contender]
        done = all(other in found for other in mine)
        yield parts[place], _whole([found.pop(other) for other in mine]) if done else None


def dense_outputs(engine: Engine, settings: Settings, subject: Subject) -> list[torch.Tensor]:
    """Have the dense outputs made, a batch `[B, ...]` at a time."""
    jobs = [(settings, places) for places in _shares(len(settings.batches), engine.processes)]
    made = dict(engine.each(_make_dense, jobs, subject))
    return [batch for place in sorted(made) for batch in made[place]]


def _make_dense(subject: Subject, job: tuple[Settings, tuple[int, ...]]) -> tuple[torch.Tensor, ...]:
    settings, places = job
    return Making(subject, settings).made(None, places).outputs


def _whole(parts: Sequence[PartFound]) -> tuple[Cost, Made] | Failed:
    """Put a row's parts together; the first that failed stands for all."""
    cost, made = None, []
    for part in parts:
        if isinstance(part, Failed):
            return part
        if isinstance(part, Cost):
            cost = part
        else:
            made.append(part)
    assert cost is not None
    outputs = tuple(batch for part in made for batch in part.outputs)
    return cost, Made(outputs, made[0].tokens)


def _shares(batches: int, processes: int) -> list[tuple[int, ...]]:
    """Share places out, as evenly as they go and in order."""
    shares = min(batches, processes)
    ends = [batches * share // shares for share in range(shares + 1)]
    return [tuple(range(*each)) for each in pairwise(ends)]
