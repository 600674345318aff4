"""Runs a benchmark: the dense reference first, then everything that is compared with it."""

from __future__ import annotations

from datetime import UTC, datetime

import torch

from tokred.bench.attempt import attempt
from tokred.bench.contender import Contender
from tokred.bench.environment import Device, Versions
from tokred.bench.journal import Journal
from tokred.bench.lineup import Lineup
from tokred.bench.making import Cost, Made, generations_of
from tokred.bench.measuring import Measuring
from tokred.bench.parts import dense_outputs, whole_rows
from tokred.bench.result import Failed, Results, Row
from tokred.bench.resuming import check_resumable
from tokred.bench.settings import Settings
from tokred.bench.spreading import Engine
from tokred.bench.subject import Subject
from tokred.bench.view import Exhibit, NoView, View, shown
from tokred.metrics.metric import DRAWN


def run_bench(
    subject: Subject,
    lineup: Lineup,
    settings: Settings,
    view: View | None = None,
    journal: Journal | None = None,
    engine: Engine | None = None,
) -> Results:
    """Compare methods and baselines with the dense model, and with each other.

    Args:
        subject: what is measured.
        lineup: what is compared; from `line_up`.
        settings: what is the same for all.
        view: is told what happens.
        journal: keeps what is known after every run, and goes on from there. A method that raises costs its own run.
        engine: has rows and their samples measured by other processes too; the results are those of one process, times
            apart. It stays open.

    Raises:
        SpecError: if a metric cannot take the dense outputs, or the journal is of another run.
        OutputError: if the journal cannot be written.
        ConflictError: if the model is patched already.
    """
    bench = _Bench(subject, lineup, settings, view or NoView(), journal or Journal())
    bench.begin(engine)
    if engine:
        bench.spread(engine)
    else:
        for contender in bench.pending:
            bench.take(contender)
    return bench.results()


class _Bench:
    """A benchmark, and how far it is."""

    def __init__(self, subject: Subject, lineup: Lineup, settings: Settings, view: View, journal: Journal) -> None:
        self.subject = subject
        self.lineup = lineup
        self.settings = settings
        self.view = view
        self.journal = journal
        self.measuring = Measuring(subject, settings, view.generated, self._show)
        self.versions, self.device = Versions.here(), Device.of(subject.device)
        self.earlier = journal.earlier
        self.rows: list[Row] = []
        self.failed: list[Failed] = []
        if self.earlier:
            check_resumable(self.earlier, subject.name, settings, (self.versions, self.device), lineup)
            self.rows, self.failed = list(self.earlier.rows), list(self.earlier.failed)

    @property
    def pending(self) -> list[Contender]:
        """What was not measured yet."""
        return self.lineup.pending((*self.rows, *self.failed))

    def begin(self, engine: Engine | None) -> None:
        """Measure the dense reference, or recall it, and tell what is known already."""
        measuring, dense, runs = self.measuring, self.journal.dense(), len(self.pending)
        self.view.left_out(self.lineup.left_out)
        parts = {"dense": self.earlier is None, "outputs": dense is None and bool(runs)}
        self.view.begin(generations_of(self.settings, runs, **parts))
        if self.earlier is None:
            measuring.count_dense()
        if runs:
            dense = dense or self._dense_outputs(engine)
            self.journal.keep_dense(dense)
            measuring.compare_with(dense)
        if self.earlier:
            measuring.recall(self.earlier.dense)
        else:
            measuring.measure_dense()
        self.view.dense(measuring.dense())
        if self.earlier:
            self._recall(self.earlier)
        elif dense and self.subject.outputs in DRAWN:
            self._show(Exhibit("dense", "dense", shown(dense[0])))
        self.journal.keep(self.results())

    def take(self, contender: Contender) -> None:
        """Measure one contender, and keep what is known."""
        self._note(attempt(contender, lambda: self.measuring.measure(contender)))

    def spread(self, engine: Engine) -> None:
        """Have all contenders measured, and keep what is known after each."""
        for part, found in whole_rows(engine, self.pending, self.settings, self.subject):
            for _ in range(part.generations):
                self.view.generated(part.contender.label)
            if found:
                self._note(found if isinstance(found, Failed) else self._row(part.contender, *found))

    def _row(self, contender: Contender, cost: Cost, made: Made) -> Row | Failed:
        return attempt(contender, lambda: self.measuring.row(contender, cost, made))

    def _dense_outputs(self, engine: Engine | None) -> list[torch.Tensor]:
        """Make the dense outputs of each batch."""
        if not engine:
            return list(self.measuring.making.made(None, range(len(self.settings.batches))).outputs)
        made = dense_outputs(engine, self.settings, self.subject)
        for _ in made:
            self.view.generated("dense")
        return made

    def _note(self, found: Row | Failed) -> None:
        if isinstance(found, Row):
            self.rows.append(found)
            self.view.row(found)
        else:
            self.failed.append(found)
            self.view.failed(found)
        self.journal.keep(self.results())

    def results(self) -> Results:
        """Return everything that is known so far."""
        return Results(
            schema=3,
            model=self.subject.name,
            settings=self.settings,
            versions=self.versions,
            device=self.device,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            dense=self.measuring.dense(),
            rows=tuple(sorted(self.rows, key=self._place)),
            failed=tuple(sorted(self.failed, key=self._place)),
            pending=tuple(contender.label for contender in self.pending),
            left_out=self.lineup.left_out,
        )

    def _place(self, found: Row | Failed) -> int:
        """Return where it stands, whoever was the first to end."""
        return self.lineup.labels.index(found.label)

    def _recall(self, earlier: Results) -> None:
        """Show what an earlier process found."""
        known = {"dense", *(row.label for row in earlier.rows)}
        for exhibit in self.journal.exhibits():
            if exhibit.label in known:
                self.view.exhibit(exhibit)
        for row in earlier.rows:
            self.view.row(row)
        for failed in earlier.failed:
            self.view.failed(failed)

    def _show(self, exhibit: Exhibit) -> None:
        """Show what was drawn, and keep it at its place."""
        self.journal.keep_exhibit(["dense", *self.lineup.labels].index(exhibit.label), exhibit)
        self.view.exhibit(exhibit)
