"""Doing jobs one by one before a deadline."""

from __future__ import annotations

import statistics
import time
import traceback
from collections.abc import Iterable, Sequence

from deadline import Deadline
from jobs import Job, Unfinished
from records import Record, Records

LAST_FRAMES = -8


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
