"""The results as a table that grows row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from tokred.bench.result import Dense, Row, Score
from tokred.metrics import Metric

NOTHING = "reduced nothing"
"""What stands beside a run that is the dense model."""


class ResultTable:
    """Prints runs, each with its cost and the metrics that the terminal has room for.

    Where a metric is absolute, the dense model has a line of its own, and speed is told in samples per second as well.

    Args:
        metrics: what was measured.
        width: of the terminal, in characters.
        samples: that each run was measured on.
        memory: whether the most memory that a run took is known, as it is on CUDA devices.
    """

    def __init__(self, metrics: Sequence[Metric], width: int, samples: int, *, memory: bool = False) -> None:
        self.samples = samples
        self.memory = memory
        self.metrics = [metric for metric in metrics if metric.shown]
        self.absolute = any(metric.against == "truth" for metric in metrics)
        self.columns = {"FLOPs": 6, "time": 11, "sec": 6} | ({"samples/s": 9} if self.absolute else {})
        self.columns |= {"GiB": 6} if memory else {}
        self.columns |= {metric.head: 11 for metric in self.metrics}
        self.label_width = width - sum(self.columns.values()) - len(self.columns)

    @property
    def note(self) -> str:
        """What stands below the table."""
        of = ", or of how many samples it is" if any(metric.overall for metric in self.metrics) else ""
        better = [f"{'higher' if metric.higher else 'lower'} {metric.title}" for metric in self.metrics]
        return (
            "FLOPs and time over dense; below a value its spread over the pairs or the 95 % interval of its mean"
            f"{of}, and below seconds the speedup. Better is: {', '.join(better)}. A run that {NOTHING} is the dense "
            "model, and no part of fronts."
        )

    def head(self) -> Table:
        """Return the table's first line."""
        return self._line("", *(Text(name, style="bold") for name in self.columns))

    def dense(self, dense: Dense) -> Table:
        """Return the line of the dense model; a relative metric has no value for it."""
        return self._line("dense", "1.000", "1.00", *self._speed(dense, "1.00x"), *self._scores(dense.scores))

    def row(self, row: Row) -> Table:
        """Return one run, two lines or more."""
        time = row.time_ratio
        ratio = _pair(f"{time.median:.2f}", f"{time.min:.2f}-{time.max:.2f}")
        label = row.label if row.reduced else f"{row.label} ({NOTHING})"
        speed = self._speed(row, f"{row.speedup:.2f}x")
        return self._line(label, f"{row.compute:.3f}", ratio, *speed, *self._scores(row.scores))

    def _speed(self, timed: Dense | Row, speedup: str) -> list[str | Text]:
        per_second = [f"{timed.samples_per_second:.1f}"] if self.absolute else []
        peak = [f"{(timed.peak_bytes or 0) / 2**30:.2f}"] if self.memory else []
        return [_pair(_seconds(timed.seconds), speedup), *per_second, *peak]

    def _scores(self, scores: Mapping[str, Score]) -> list[str | Text]:
        return [self._score(metric, scores[metric.name]) if metric.name in scores else "" for metric in self.metrics]

    def _score(self, metric: Metric, score: Score) -> Text:
        spread = f"{metric.written(score.low)}-{metric.written(score.high)}"
        return _pair(metric.written(score.mean), f"of {self.samples}" if metric.overall else spread)

    def _line(self, label: str, *cells: str | Text) -> Table:
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=self.label_width, overflow="fold")
        for size in self.columns.values():
            table.add_column(width=size, overflow="fold")
        table.add_row(Text(label), *cells)
        return table


def _seconds(value: float) -> str:
    """Write a time in at most six characters."""
    return f"{value:.3g}" if value >= 0.01 else f"{1000 * value:.2g}ms"


def _pair(value: str, spread: str) -> Text:
    return Text.assemble(value, "\n", (spread, "dim"))
