"""Jobs that each need a copy of the model, done by this process or by several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tokred.bench.subject import Subject
from tokred.errors import SpecError

Job = TypeVar("Job")
Found = TypeVar("Found")


def refuse_loss(job: object, said: str) -> Found:  # type: ignore[type-var]
    """Refuse to go on without a job.

    Raises:
        SpecError: always.
    """
    raise SpecError(said)


class Engine(ABC):
    """Has jobs done by other processes as well; what comes of them does not depend on who does them.

    Attributes:
        first: whether this process has the jobs; false in one that only does what another has done.
        restarted: whether it goes on with what it had before it was stopped.
    """

    first: bool = True
    restarted: bool = False

    @property
    @abstractmethod
    def processes(self) -> int:
        """How many jobs are done at a time."""

    @abstractmethod
    def each(
        self,
        do: Callable[[Subject, Job], Found],
        jobs: Sequence[Job],
        subject: Subject,
        lost: Callable[[Job, str], Found] = refuse_loss,
    ) -> Iterator[tuple[int, Found]]:
        """Yield the place of each job and what came of it, as far as they are known, in any order.

        Args:
            do: does one; a function of a module, which other processes can import.
            jobs: what is sent to them.
            subject: this process' own model; the others have theirs.
            lost: makes what stands for a job that killed every process which tried it, from what is to be said of it;
                by default it is refused.

        Raises:
            SpecError: if a job is lost.
        """

    def serve(self, subject: Subject) -> None:  # noqa: B027 - only where processes start together
        """Do what the first process has done, until that closes; nothing in the first one itself."""

    def close(self) -> None:  # noqa: B027 - only where there are other processes
        """Let the other processes go."""


class Here(Engine):
    """Does everything in this process; see `Engine`."""

    processes = 1

    def each(
        self,
        do: Callable[[Subject, Job], Found],
        jobs: Sequence[Job],
        subject: Subject,
        lost: Callable[[Job, str], Found] = refuse_loss,
    ) -> Iterator[tuple[int, Found]]:
        """See `Engine`."""
        for place, job in enumerate(jobs):
            yield place, do(subject, job)
