"""What there is to do, in pieces that are recorded one by one, and how they are done before a deadline."""

from __future__ import annotations

import statistics
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from deadline import Deadline

if TYPE_CHECKING:
    from records import Record, Records

LAST_FRAMES = -8


@dataclass(frozen=True)
class Options:
    """What the command line asks for.

    Attributes:
        device: "cuda" or "cpu".
        sizes: "full", the published models; "tiny", the same classes with hardly any weights.
        out: folder for the records.
        data: folder with the arrays of the zoo's models; None where there is none.
    """

    device: Literal["cuda", "cpu"]
    sizes: Literal["full", "tiny"]
    out: Path
    data: Path | None = None


@dataclass(frozen=True)
class Job:
    """One piece of work, with a record of its own.

    Attributes:
        part: the part that it belongs to.
        what: tells it apart from all other jobs of the part, now and in later calls; plain data.
        run: does it and returns the results, plain data; is told how many seconds are left.
        like: jobs of a part that are alike in this take times that follow from each other's.
        size: the time grows at most with its square; the number of tokens, say.
        guess: seconds that it is expected to take while nothing like it has been done.
    """

    part: str
    what: Mapping[str, Any]
    run: Callable[[float], dict[str, Any]]
    like: str = ""
    size: float = 1.0
    guess: float = 0.0

    def __str__(self) -> str:
        return " ".join([self.part, *map(str, self.what.values())])


class LeftOut(Exception):
    """A part has nothing to do on this machine; says why."""


class Unfinished(Exception):
    """Time ran out; a later call goes on or begins anew. Says how far the job came."""


def work_through(jobs: Iterable[Job], records: Records, deadline: Deadline) -> list[str]:
    """Do every job that is not recorded yet and that fits; an error is recorded, and the rest goes on.

    Returns:
        The jobs that remain for a later call.
    """
    remain = []
    for job in jobs:
        if records.has(job):
            continue
        if not deadline.fits(expected_seconds(job, records.all())):
            remain.append(str(job))
            continue
        start = time.monotonic()
        try:
            result = job.run(deadline.left())
        except Unfinished as why:
            remain.append(f"{job}: {why}")
        except Exception as error:
            records.write(job, error=f"{type(error).__name__}: {error}", trace=traceback.format_exc(limit=LAST_FRAMES))
            print(f"{job}: {type(error).__name__}", flush=True)
        else:
            records.write(job, result=result, seconds=time.monotonic() - start)
            print(f"{job}: {time.monotonic() - start:.1f} s", flush=True)
    return remain


def expected_seconds(job: Job, done: Sequence[Record]) -> float:
    """Say how long a job will take, by those before it.

    By those that are like it and nearest in size: their median, times the square of how much larger it is. Where none
    is like it, as long as the longest of its part, and no less than its guess.
    """
    same_part = [(r, r.seconds) for r in done if r.part == job.part and r.seconds is not None]
    like = [(r.size, seconds) for r, seconds in same_part if r.like == job.like]
    if not like:
        return max([job.guess, *(seconds for _, seconds in same_part)])
    nearest = min((size for size, _ in like), key=lambda size: abs(size - job.size))
    median = statistics.median(seconds for size, seconds in like if size == nearest)
    larger = max(1.0, job.size / nearest)
    return median * larger * larger
