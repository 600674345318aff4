"""Jobs done by processes that `accelerate launch`, or torchrun, started."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import torch
from torch.distributed import PrefixStore  # type: ignore[attr-defined]
from torch.distributed.rendezvous import rendezvous

from tokred.bench.spreading import Engine, Found, Job, refuse_loss
from tokred.bench.subject import Subject
from tokred.errors import SpecError

PATIENCE = timedelta(days=30)
"""How long processes wait for each other: a generation may take hours."""


class AccelerateEngine(Engine):
    """Every process loads the model; the first one has the jobs, and each does one of as many as there are processes.

    Where one dies, the launcher's `--max_restarts` starts all again, and the first goes on with what it kept: only rows
    in the making are lost. See `tokred.bench.spreading.Engine`.

    Args:
        device: where the model computes; "cuda" is another GPU in each process.

    Raises:
        SpecError: if accelerate is not installed, or did not start this process.
    """

    def __init__(self, device: str) -> None:
        try:
            from accelerate import PartialState
        except ImportError as error:
            raise SpecError("--engine accelerate needs accelerate: pip install accelerate.") from error
        if "WORLD_SIZE" not in os.environ:
            raise SpecError(
                "--engine accelerate is for processes that start together: accelerate launch --num_processes 2 "
                "--module tokred bench ..., or torchrun on CPUs."
            )
        start = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        self.state = PartialState(cpu=torch.device(device).type == "cpu", timeout=PATIENCE, **_meeting(start))
        self.first = bool(self.state.is_main_process)
        self.restarted = start != "0"

    @property
    def processes(self) -> int:
        """See `Engine`."""
        return int(self.state.num_processes)

    def each(
        self,
        do: Callable[[Subject, Job], Found],
        jobs: Sequence[Job],
        subject: Subject,
        lost: Callable[[Job, str], Found] = refuse_loss,
    ) -> Iterator[tuple[int, Found]]:
        """Have jobs done in rounds, one by each process; none is lost: all processes start again. See `Engine`."""
        if jobs:
            self._agreed((do, jobs))
            yield from self._rounds(do, jobs, subject)

    def serve(self, subject: Subject) -> None:
        """See `Engine`."""
        while asked := self._agreed(None):
            do, jobs = asked
            for _ in self._rounds(do, jobs, subject):
                pass

    def close(self) -> None:
        """See `Engine`."""
        self._agreed(None)

    def _rounds(
        self, do: Callable[[Subject, Job], Found], jobs: Sequence[Job], subject: Subject
    ) -> Iterator[tuple[int, Found]]:
        from accelerate.utils import gather_object

        for turn, start in enumerate(range(0, len(jobs), self.processes)):
            # Of the parts of a row one takes far longer: it is not always the same process that has it.
            place = start + (self.state.process_index + turn) % self.processes
            yield from gather_object([(place, do(subject, jobs[place]))] if place < len(jobs) else [])

    def _agreed(self, asked: Any) -> Any:
        """Return what the first process asks for; None at the end."""
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([asked])[0]


def _meeting(start: str) -> dict[str, Any]:
    """Return where the processes of a start find each other.

    The launcher keeps one store for all starts, in which those of the last one are still to be found: apart by a name
    for each, none tries to reach a process that has died.
    """
    store, rank, world_size = next(rendezvous("env://", timeout=PATIENCE))
    return {"store": PrefixStore(f"start {start}", store), "rank": rank, "world_size": world_size}
