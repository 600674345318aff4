"""The results as a table that grows row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from tokred.bench.result import Dense, Row, Score
from tokred.metrics import Metric


class ResultTable:
    """Prints runs, each with its cost and the metrics that the terminal has room for.

    Where a metric is absolute, the dense model has a line of its own, and speed is told in samples per second as well.

    Args:
        metrics: what was measured.
        width: of the terminal, in characters.
    """

    def __init__(self, metrics: Sequence[Metric], width: int) -> None:
        self.metrics = [metric for metric in metrics if metric.shown]
        self.absolute = any(metric.against == "truth" for metric in metrics)
        self.columns = {"FLOPs": 7, "time": 11} | ({"samples/s": 9} if self.absolute else {})
        self.columns |= {metric.head: 11 for metric in self.metrics}
        self.label_width = width - sum(self.columns.values()) - len(self.columns)

    @property
    def note(self) -> str:
        """What stands below the table."""
        better = [f"{'higher' if metric.higher else 'lower'} {metric.title}" for metric in self.metrics]
        return (
            "FLOPs and time over dense; below a value its spread over the pairs or the 95 % interval of its mean. "
            f"Better is: {', '.join(better)}."
        )

    def head(self) -> Table:
        """Return the table's first line."""
        return self._line("", *(Text(name, style="bold") for name in self.columns))

    def dense(self, dense: Dense) -> Table:
        """Return the line of the dense model, for absolute metrics."""
        return self._line("dense", "1.000", "1.00", *self._quality(dense.samples_per_second, dense.scores))

    def row(self, row: Row) -> Table:
        """Return one run, two lines or more."""
        time = row.time_ratio
        ratio = _pair(f"{time.median:.2f}", f"{time.min:.2f}-{time.max:.2f}")
        return self._line(row.label, f"{row.compute:.3f}", ratio, *self._quality(row.samples_per_second, row.scores))

    def _quality(self, samples_per_second: float, scores: Mapping[str, Score]) -> list[str | Text]:
        speed = [f"{samples_per_second:.1f}"] if self.absolute else []
        return [*speed, *(_score(metric, scores[metric.name]) for metric in self.metrics)]

    def _line(self, label: str, *cells: str | Text) -> Table:
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=self.label_width, overflow="fold")
        for size in self.columns.values():
            table.add_column(width=size, overflow="fold")
        table.add_row(Text(label), *cells)
        return table


def _score(metric: Metric, score: Score) -> Text:
    return _pair(metric.written(score.mean), f"{metric.written(score.low)}-{metric.written(score.high)}")


def _pair(value: str, spread: str) -> Text:
    return Text.assemble(value, "\n", (spread, "dim"))
