"""The results as a table that grows row by row."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from tokred.bench.result import Row, Score

COLUMNS = {"FLOPs": 7, "time": 11, "PSNR dB": 11, "SSIM": 11, "LPIPS": 11}
"""Head and width of each column of numbers."""

NOTE = "FLOPs and time over dense; below a value its spread over the pairs or the 95 % interval of its mean."


def head(width: int) -> Table:
    """Return the table's first line, `width` characters wide."""
    return _line(width, "", *(Text(name, style="bold") for name in COLUMNS))


def line(row: Row, width: int) -> Table:
    """Return one run, two lines or more, `width` characters wide."""
    time = row.time_ratio
    return _line(
        width,
        row.label,
        f"{row.compute:.3f}",
        _pair(f"{time.median:.2f}", f"{time.min:.2f}-{time.max:.2f}"),
        _score(row.psnr, 1),
        _score(row.ssim, 3),
        _score(row.lpips, 3),
    )


def _line(width: int, label: str, *cells: str | Text) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=width - sum(COLUMNS.values()) - len(COLUMNS), overflow="fold")
    for size in COLUMNS.values():
        table.add_column(width=size, overflow="fold")
    table.add_row(Text(label), *cells)
    return table


def _score(score: Score, digits: int) -> Text:
    return _pair(f"{score.mean:.{digits}f}", f"{score.low:.{digits}f}-{score.high:.{digits}f}")


def _pair(value: str, spread: str) -> Text:
    return Text.assemble(value, "\n", (spread, "dim"))
