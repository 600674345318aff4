"""Comparisons as text."""

from __future__ import annotations

import dataclasses

from bench.made import made_results, made_row

from tokred.bench import Comparisons, Metric, compare_runs, parse_references
from tokred.bench.gains import TextTable, gain_tables, note
from tokred.metrics import interval95

ROWS = (
    made_row("a", {"ratio": 0.5}, 0.5, 0.85, (12, 20, 33)),
    made_row("a", {"ratio": 0.25}, 0.6, 0.8, (12, 20, 33)),
    made_row("a", {"ratio": 0.5, "signal": "input"}, 0.5, 0.7, (10, 20, 30)),
    made_row("a", {"ratio": 0.75, "signal": "input"}, 0.7, 0.9, (10, 20, 31)),
    made_row("b", {"n": 1}, 0.9, 0.9, (10, 20, 30)),
    made_row("b", {"n": 2}, 0.95, 0.9, (10, 20, 30)),
)


def compared(metric: Metric, *references: str) -> Comparisons:
    return compare_runs(made_results(*ROWS), parse_references(references), metric)


def test_twins_then_curves(metrics: dict[str, Metric]) -> None:
    (against,) = compared(metrics["psnr"], "a:signal=input").against
    twins, curves = gain_tables(against, metrics["psnr"])
    low, high = interval95([2, 0, 3])
    difference = (f"+1.67 ({low:+.2f} to {high:+.2f})", "0.5", "2/1/0")
    assert twins == TextTable(
        title="Against the twin in a:signal=input",
        head=("run", "twin", "compute", "time", "difference, PSNR, dB", "p", "won/tied/lost"),
        rows=(("a ratio=0.5", "a ratio=0.5 signal=input (compute 0.500, time 0.700)", "0.500", "0.850", *difference),),
        missing=("a ratio=0.25: no run of a:signal=input has its other parameters.",),
    )
    assert curves.title == "Against a:signal=input at equal compute and at equal time"
    assert curves.head[:3] == ("run", "reference there", "equal")
    assert curves.rows[0] == ("a ratio=0.5", "a ratio=0.5 signal=input (0.500)", "compute 0.500", *difference)
    mixture = "25 % a ratio=0.5 signal=input (0.700) + 75 % a ratio=0.75 signal=input (0.900)"
    assert curves.rows[1][:3] == ("a ratio=0.5", mixture, "time 0.850")


def test_a_reason_is_written_once_with_all_that_it_holds_for(metrics: dict[str, Metric]) -> None:
    (against,) = compared(metrics["psnr"], "a:signal=input").against
    (reason,) = gain_tables(against, metrics["psnr"])[1].missing
    why = "no run of a:signal=input is better for costing that much, see a ratio=0.75 signal=input at compute 0.700"
    assert reason == f"b n=1 (0.900), b n=2 (0.950): {why}."


def test_a_reference_that_can_have_no_twins_has_no_table_of_them(metrics: dict[str, Metric]) -> None:
    (against,) = compared(metrics["psnr"], "b").against
    assert [table.title for table in gain_tables(against, metrics["psnr"])] == [
        "Against b at equal compute and at equal time"
    ]


def test_small_p(metrics: dict[str, Metric]) -> None:
    rows = [made_row(name, {}, 0.5, 0.5, [i + step for i in range(16)]) for name, step in (("a", 1), ("b", 0))]
    comparisons = compare_runs(made_results(*rows), parse_references(["b"]), metrics["psnr"])
    (table,) = gain_tables(comparisons.against[0], metrics["psnr"])
    assert table.rows[0][3:] == ("+1.00 (+1.00 to +1.00)", "< 0.0001", "16/0/0")


def test_the_note_counts_and_says_which_way_is_better(metrics: dict[str, Metric]) -> None:
    comparisons = compared(metrics["psnr"], "a:signal=input", "b")
    made = sum(len(each.twins) + len(each.curves) for each in comparisons.against)
    text = note(comparisons, metrics["psnr"])
    assert "above 0 the run is better" in text
    assert text.endswith(f"not corrected for the number of comparisons, {made} here.")
    assert "below 0" in note(comparisons, dataclasses.replace(metrics["psnr"], higher=False))
