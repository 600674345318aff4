"""Jobs that each need a copy of the model, done by this process or by several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from tokred.bench.subject import Subject

Job = TypeVar("Job")
Found = TypeVar("Found")
Agreed = TypeVar("Agreed")


class Spreading(Protocol):
    """Has jobs done by other processes as well; what comes of them does not depend on who does them."""

    def each(
        self, do: Callable[[Subject, Job], Found], jobs: Sequence[Job], subject: Subject
    ) -> Iterator[tuple[int, Found]]:
        """Yield the place of each job and what came of it, as far as they are known, in any order.

        Args:
            do: does one; a function of a module, which other processes can import.
            jobs: what is sent to them.
            subject: this process' own model; the others have theirs.

        Raises:
            SpecError: if a job has killed every process that tried it.
        """
        ...

    def agreed(self, value: Agreed) -> Agreed:
        """Return the value of the first process, where several run the same program."""
        ...


class Here:
    """Does everything in this process; see `Spreading`."""

    def each(
        self, do: Callable[[Subject, Job], Found], jobs: Sequence[Job], subject: Subject
    ) -> Iterator[tuple[int, Found]]:
        """See `Spreading`."""
        for place, job in enumerate(jobs):
            yield place, do(subject, job)

    def agreed(self, value: Agreed) -> Agreed:
        """See `Spreading`."""
        return value
