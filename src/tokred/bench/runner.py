"""Runs a benchmark: the dense reference first, then everything that is compared with it."""

from __future__ import annotations

from datetime import UTC, datetime

from tokred.bench.contender import Contender
from tokred.bench.environment import Device, Versions
from tokred.bench.journal import Journal
from tokred.bench.lineup import Lineup
from tokred.bench.measure import release_memory
from tokred.bench.measuring import Measuring, plain
from tokred.bench.result import Failed, Results, Row
from tokred.bench.resuming import check_resumable
from tokred.bench.settings import Settings
from tokred.bench.subject import Subject
from tokred.bench.view import Exhibit, NoView, View, shown
from tokred.errors import ConflictError


def run_bench(
    subject: Subject, lineup: Lineup, settings: Settings, view: View | None = None, journal: Journal | None = None
) -> Results:
    """Compare methods and baselines with the dense model, and with each other.

    Args:
        subject: what is measured.
        lineup: what is compared; from `line_up`.
        settings: what is the same for all.
        view: is told what happens.
        journal: keeps what is known after every run, and goes on from there. A method that raises costs its own run.

    Raises:
        SpecError: if a metric cannot take the dense outputs, or the journal is of another run.
        OutputError: if the journal cannot be written.
        ConflictError: if the model is patched already.
    """
    bench = _Bench(subject, lineup, settings, view or NoView(), journal or Journal())
    bench.begin()
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
        done = {row.label for row in self.rows} | {failed.label for failed in self.failed}
        return [contender for contender in self.lineup.contenders if contender.label not in done]

    def begin(self) -> None:
        """Measure the dense reference, or recall it, and tell what is known already."""
        measuring, dense, runs = self.measuring, self.journal.dense(), len(self.pending)
        self.view.left_out(self.lineup.left_out)
        self.view.begin(measuring.generations(runs, dense=self.earlier is None, outputs=dense is None and bool(runs)))
        if self.earlier is None:
            measuring.count_dense()
        if runs:
            dense = dense or measuring.dense_outputs()
            self.journal.keep_dense(dense)
            measuring.compare_with(dense)
        if self.earlier:
            measuring.recall(self.earlier.dense)
        else:
            measuring.measure_dense()
        self.view.dense(measuring.dense())
        if self.earlier:
            self._recall(self.earlier)
        elif dense and self.subject.outputs == "pictures":
            self._show(Exhibit("dense", "dense", shown(dense[0])))
        self.journal.keep(self.results())

    def take(self, contender: Contender) -> None:
        """Measure one contender, or write down what it raised; keep what is known."""
        try:
            row = self.measuring.measure(contender)
        except ConflictError:
            raise  # the model is not ours: nothing that follows could be believed
        except Exception as error:
            said = f"{type(error).__name__}: {' '.join(str(error).split())}"
            params = plain(contender.params)
            self.failed.append(Failed(contender.name, params, contender.label, contender.kind, said))
            self.view.failed(self.failed[-1])
            release_memory()
        else:
            self.rows.append(row)
            self.view.row(row)
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
            rows=tuple(self.rows),
            failed=tuple(self.failed),
            pending=tuple(contender.label for contender in self.pending),
            left_out=self.lineup.left_out,
        )

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
