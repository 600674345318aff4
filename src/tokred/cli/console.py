"""A benchmark on the terminal: a table that grows, a progress bar under it, and at the end where the files are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tokred.bench import table
from tokred.bench.result import Row
from tokred.bench.settings import Settings
from tokred.bench.view import Exhibit


class ConsoleView:
    """Shows a benchmark on the terminal, inside a `with` block; see `tokred.bench.View`.

    The bar is drawn between generations only: nothing else runs while one is timed.

    Attributes:
        exhibits: all that were shown.
    """

    def __init__(self, model: str, settings: Settings) -> None:
        self.title = f"{model}: {settings.steps} steps, {settings.samples} samples, {settings.pairs} timed pairs"
        self.exhibits: list[Exhibit] = []
        self.console = Console()
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self.progress = Progress(*columns, console=self.console, auto_refresh=False, transient=True)
        self.task = self.progress.add_task("dense")

    def __enter__(self) -> Self:
        self.progress.start()
        self._print(self.title)
        self.console.print(table.head(self.console.width))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def begin(self, generations: int) -> None:
        """See `View`."""
        self.progress.update(self.task, total=generations)

    def generated(self, label: str) -> None:
        """See `View`."""
        self.progress.update(self.task, advance=1, description=label, refresh=True)

    def exhibit(self, exhibit: Exhibit) -> None:
        """See `View`."""
        self.exhibits.append(exhibit)

    def row(self, row: Row) -> None:
        """See `View`."""
        self.console.print(table.line(row, self.console.width))

    def written(self, paths: Sequence[Path]) -> None:
        """Say what the numbers are, and where the files are, all in one folder."""
        self._print(table.NOTE)
        self._print(f"Written to {paths[0].parent}: {', '.join(path.name for path in paths)}")

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
