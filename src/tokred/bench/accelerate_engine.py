"""Rows measured by processes that `accelerate launch`, or torchrun, started; they share the folder of the results."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from hashlib import sha256
from operator import itemgetter
from pathlib import Path

import torch

from tokred.bench.contender import Contender
from tokred.bench.files import make_folder
from tokred.bench.journal import FILE, UNFINISHED, Journal
from tokred.bench.journal import Found as There
from tokred.bench.measuring import Measuring
from tokred.bench.outcome import Outcome, attempt
from tokred.bench.result import Failed, Row
from tokred.bench.result_file import read_results
from tokred.bench.spreading import Agreed, Found, Job
from tokred.bench.subject import Subject
from tokred.errors import SpecError

PATIENCE = timedelta(days=30)
"""How long processes wait for each other: a row may take hours."""
WORKER, CLAIM = "worker-", "claim-"
"""So begin folders of the others' results, and files that say which rows are taken."""


class AccelerateEngine:
    """Each process takes one row after the other and keeps it; the first one takes them together.

    Every process loads the model and measures the dense reference. Where one dies, the launcher's `--max_restarts`
    starts all again, and each goes on with what it kept: only rows in the making are lost. See `tokred.bench.Engine`.

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
        self.state = PartialState(cpu=torch.device(device).type == "cpu", timeout=PATIENCE)
        self.first = bool(self.state.is_main_process)

    def journal(self, folder: Path, found: There) -> Journal:
        """Return this process' journal: of the folder, or one inside it that the first process reads at the end."""
        self.folder = folder
        found = "resume" if os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0" else found
        mine = Journal(self.folder, found) if self.first else None
        if self.first:
            for claim in self.unfinished.glob(f"{CLAIM}*"):
                claim.unlink()
        self.state.wait_for_everyone()
        return mine or Journal(self.unfinished / f"{WORKER}{self.state.process_index}", "resume")

    def outcomes(
        self, contenders: Sequence[Contender], measuring: Measuring, dense: Sequence[torch.Tensor]
    ) -> Iterator[Outcome]:
        """Yield what this process measures, and, in the first one, what the others do; see `Engine`."""
        known = {outcome.found.label for outcome in self._kept()}
        for contender in contenders:
            if contender.label not in known and self._claims(contender.label):
                yield Outcome(attempt(measuring, contender))
        self.state.wait_for_everyone()
        pending = {contender.label for contender in contenders}
        if self.first:
            yield from (outcome for outcome in self._kept() if outcome.found.label in pending)

    def each(
        self, do: Callable[[Subject, Job], Found], jobs: Sequence[Job], subject: Subject
    ) -> Iterator[tuple[int, Found]]:
        """Do one job in as many as there are processes, then take what the others found of theirs; see `Spreading`."""
        from accelerate.utils import gather_object

        mine = range(self.state.process_index, len(jobs), self.state.num_processes)
        yield from sorted(gather_object([(place, do(subject, jobs[place])) for place in mine]), key=itemgetter(0))

    def agreed(self, value: Agreed) -> Agreed:
        """See `Spreading`."""
        from accelerate.utils import broadcast_object_list

        first: list[Agreed] = broadcast_object_list([value])
        return first[0]

    @property
    def unfinished(self) -> Path:
        """The folder that all processes see while they measure."""
        return self.folder / UNFINISHED

    def _claims(self, label: str) -> bool:
        """Take a row that no other process has taken; of two at once one does."""
        make_folder(self.unfinished)
        try:
            (self.unfinished / f"{CLAIM}{sha256(label.encode()).hexdigest()[:16]}").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def _kept(self) -> Iterator[Outcome]:
        """Yield what the others found so far."""
        for place in sorted(self.unfinished.glob(f"{WORKER}*")):
            if not (place / FILE).exists():
                continue
            results = read_results(place / FILE)
            shown = {exhibit.label: exhibit for exhibit in Journal(place, "resume").exhibits()}
            every: tuple[Row | Failed, ...] = (*results.rows, *results.failed)
            for found in every:
                yield Outcome(found, (shown[found.label],) if found.label in shown else ())
