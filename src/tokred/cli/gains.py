"""Comparisons on the terminal, and their files."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tokred.bench.comparison import Comparisons
from tokred.bench.comparison_file import write_comparisons
from tokred.bench.gains import TextTable, gain_tables, note
from tokred.bench.gains_plot import write_gains
from tokred.metrics import Metric

LEAST = 12
"""Characters that the name of a run gets at least."""


def print_gains(comparisons: Comparisons, metric: Metric, console: Console) -> None:
    """Print what was compared, a table or two for each reference, and what the numbers are."""
    for against in comparisons.against:
        for table in gain_tables(against, metric):
            _print(console, f"\n{table.title}", "bold")
            if table.rows:
                _print_rows(console, table)
            for reason in table.missing:
                _print(console, f"Not compared: {reason}")
    _print(console, f"\n{note(comparisons, metric)}")


def write_all(comparisons: Comparisons, metric: Metric, folder: Path) -> list[Path]:
    """Write `comparisons.json`, and the picture where something could be compared; return their paths."""
    file = folder / "comparisons.json"
    write_comparisons(comparisons, file)
    return [file, *write_gains(comparisons, metric, folder)]


def _print_rows(console: Console, table: TextTable) -> None:
    """Print each row in columns, and below it what the run is compared with."""
    lines = [(run, *cells) for run, _, *cells in (table.head, *table.rows)]
    heads, bodies = (list(zip(*part, strict=True))[1:] for part in (lines[:1], lines[1:]))
    widths = [max(*map(len, head[0].split()), *map(len, body)) for head, body in zip(heads, bodies, strict=True)]
    console.print(_columns(lines[0], widths, console.width, "bold"))
    for line, row in zip(lines[1:], table.rows, strict=True):
        console.print(_columns(line, widths, console.width))
        console.print(Text(f"against {row[1]}", style="dim"))


def _columns(cells: tuple[str, ...], widths: list[int], total: int, style: str = "") -> Table:
    """Lay out one line; the first cell takes the room that the others leave, and some where they leave none."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    for width in (max(LEAST, total - sum(widths) - len(widths)), *widths):
        grid.add_column(width=width, overflow="fold")
    grid.add_row(*(Text(cell, style=style) for cell in cells))
    return grid


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
