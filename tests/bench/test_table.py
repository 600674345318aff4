"""No number and no word is lost at 80 columns."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from tokred.bench import Results, table
from tokred.bench.result import Row, Score, TimeRatio

GREATEST = Score(100.0, 100.0, 100.0, (100.0,))


def printed(*tables: object, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    for one in tables:
        console.print(one)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def widest(results: Results) -> Row:
    ratio = TimeRatio(10.55, 10.44, 10.66)
    label = "dito ratio=0.5 interval=2 dense_first=4 signal=block_input"
    return dataclasses.replace(results.rows[0], label=label, time_ratio=ratio, psnr=GREATEST)


def test_nothing_is_cut_at_80_columns(widest: Row) -> None:
    lines = printed(table.head(80), table.line(widest, 80))
    assert all(len(line) <= 80 for line in lines)
    words = " ".join(lines).split()
    assert set(table.COLUMNS) <= {*words, "PSNR dB"}
    assert {*widest.label.split(), "10.55", "10.44-10.66", "100.0", "100.0-100.0", f"{widest.compute:.3f}"} <= set(
        words
    )


def test_columns_stand_below_their_heads(results: Results) -> None:
    head, first, *_ = printed(table.head(100), table.line(results.rows[0], 100), width=100)
    row = results.rows[0]
    values = (f"{row.compute:.3f}", f"{row.time_ratio.median:.2f}", f"{row.psnr.mean:.1f}", f"{row.ssim.mean:.3f}")
    for name, value in zip(table.COLUMNS, values, strict=False):
        assert first[head.index(name) :].startswith(value)
