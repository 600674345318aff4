"""What a benchmark comes to, in a line and in a table of three columns."""

from __future__ import annotations

import io

import pytest
from bench.made import made_results, made_row
from rich.console import Console

from tokred.bench.summary import advice, summary_table, verdict

SAFE = made_row("quality", {}, 0.7, 0.7, [52.0, 50.0])
FAST = made_row("fast", {}, 0.4, 0.5, [41.0, 41.0])
WORSE = made_row("tomesd", {"ratio": 0.25}, 0.8, 0.4, [23.0, 23.0])
SLOW = made_row("sito", {}, 0.98, 1.25, [60.0, 60.0])


@pytest.mark.parametrize(
    ("speedup", "psnr", "said"),
    [
        (2.2, 57.0, "2.2x faster, 57 dB: no visible difference"),
        (1.04, 39.4, "1.0x faster, 39 dB: small differences"),
        (1.04, 39.6, "1.0x faster, 40 dB: no visible difference"),
        (0.8, 23.3, "1.2x slower, 23 dB: visible differences"),
    ],
)
def test_a_verdict(speedup: float, psnr: float, said: str) -> None:
    assert verdict(speedup, psnr) == said


def test_advice_is_the_fastest_that_nobody_sees() -> None:
    assert advice(made_results(SAFE, FAST, WORSE, SLOW)) == "Use fast: 2.0x faster, 41 dB: no visible difference."


def test_where_all_of_them_show_or_are_slow_the_closest_is_named() -> None:
    closest = "sito: 1.2x slower, 60 dB: no visible difference."
    said = f"No run saves time without a visible difference. The closest is {closest}"
    assert advice(made_results(WORSE, SLOW)) == said


def test_the_table_has_seconds_and_speedup_fastest_first() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(summary_table(made_results(SAFE, FAST, WORSE)))
    rows = [line.split() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert ["dense", "1.00", "1.0x"] in rows
    runs = [row for row in rows if row and row[0] in ("tomesd", "fast", "quality")]
    assert runs == [
        ["tomesd", "ratio=0.25", "0.40", "2.5x", "23.0"],
        ["fast", "0.50", "2.0x", "41.0"],
        ["quality", "0.70", "1.4x", "51.0"],
    ]
