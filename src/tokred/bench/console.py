"""A benchmark on the terminal: a table that grows, a progress bar under it, and at the end where the files are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tokred.bench.making import generations_of, samples_of
from tokred.bench.result import Dense, Failed, LeftOut, Results, Row
from tokred.bench.settings import Settings
from tokred.bench.subject import Subject
from tokred.bench.summary import advice, summary_table
from tokred.bench.table import ResultTable
from tokred.bench.taking import what_to_take
from tokred.bench.view import Exhibit
from tokred.bench.workload import duration

PERIOD = 86400.0
"""Seconds over which the speed of generations is averaged; one may take minutes."""


class ConsoleView:
    """Shows a benchmark on the terminal, inside a `with` block; see `tokred.bench.View`.

    The bar is drawn between generations only: nothing else runs while one is timed.

    Attributes:
        exhibits: all that were shown.
    """

    def __init__(self, subject: Subject, settings: Settings, *, quiet: bool = False) -> None:
        self.title = f"{subject.name}: {settings.size}, {settings.pairs} timed pair{'s' * (settings.pairs != 1)}"
        self.exhibits: list[Exhibit] = []
        self.console = Console(quiet=quiet)
        self.settings = settings
        self.metric = subject.metrics[0]
        memory = subject.device.type == "cuda"
        self.table = ResultTable(subject.metrics, self.console.width, settings.samples, memory=memory)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
        )
        bar: dict[str, Any] = {"auto_refresh": False, "transient": True, "speed_estimate_period": PERIOD}
        self.progress = Progress(*columns, console=self.console, **bar)
        self.task = self.progress.add_task("dense")

    def __enter__(self) -> Self:
        self.progress.start()
        self._print(self.title)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def left_out(self, left_out: Sequence[LeftOut]) -> None:
        """See `View`; one line for each reason, with all methods that it holds for."""
        for why in dict.fromkeys(each.why for each in left_out):
            names = dict.fromkeys(each.label.partition(" ")[0] for each in left_out if each.why == why)
            self._print(f"Left out: {', '.join(names)}: {why}")

    def begin(self, generations: int) -> None:
        """See `View`."""
        self.progress.update(self.task, total=generations)
        self.console.print(self.table.head())

    def generated(self, label: str) -> None:
        """See `View`."""
        self.progress.update(self.task, advance=1, description=label, refresh=True)

    def dense(self, dense: Dense) -> None:
        """See `View`."""
        self.console.print(self.table.dense(dense))
        (task,) = self.progress.tasks
        if left := int(task.remaining or 0):
            runs = left // generations_of(self.settings, 1, dense=False, outputs=False)
            taken = samples_of(self.settings, runs, dense=False, outputs=False) / dense.samples_per_second
            self._print(f"At the dense model's speed the other {left} generations take about {duration(taken)}.")

    def exhibit(self, exhibit: Exhibit) -> None:
        """See `View`."""
        self.exhibits.append(exhibit)

    def row(self, row: Row) -> None:
        """See `View`."""
        self.console.print(self.table.row(row))

    def failed(self, failed: Failed) -> None:
        """See `View`; the table goes on below it."""
        self._print(f"{failed.label}: FAILED, {failed.error}")

    def explain(self) -> None:
        """Say what the table's numbers are."""
        self._print(self.table.note)

    def conclude(self, results: Results) -> None:
        """Say what it comes to, where pictures were drawn."""
        if self.exhibits:
            self.console.print(summary_table(results))
            self._print(advice(results))

    def recommend(self, results: Results) -> None:
        """Say what to use."""
        for line in what_to_take(results, self.metric):
            self._print(line)

    def written(self, paths: Sequence[Path]) -> None:
        """Say where files are, all in one folder."""
        self._print(f"Written to {paths[0].parent}: {', '.join(path.name for path in paths)}")

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
