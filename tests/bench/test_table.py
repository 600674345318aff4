"""No number and no word is lost at 80 columns."""

from __future__ import annotations

import dataclasses
import io

import pytest
from bench.tiny import TinySubject
from rich.console import Console

from tokred.bench import Results
from tokred.bench.classifying import ClassifyingSubject
from tokred.bench.result import Row, Score, TimeRatio
from tokred.bench.table import ResultTable

GREATEST = Score(100.0, 100.0, 100.0, (100.0,))
LABEL = "dito ratio=0.5 interval=2 dense_first=4 signal=block_input"


def printed(*tables: object, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    for one in tables:
        console.print(one)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


def widest(row: Row, **scores: Score) -> Row:
    ratio = TimeRatio(10.55, 10.44, 10.66)
    speed = 123456.78
    timed = dataclasses.replace(row, time_ratio=ratio, seconds=123.45, samples_per_second=speed)
    return dataclasses.replace(timed, label=LABEL, scores=row.scores | scores)


def test_nothing_of_pictures_is_cut_at_80_columns(results: Results, subject: TinySubject) -> None:
    row, table = widest(results.rows[0], psnr=GREATEST, psnr_foreground=GREATEST), ResultTable(subject.metrics, 80, 9)
    lines = printed(table.head(), table.row(row))
    assert all(len(line) <= 80 for line in lines)
    words = " ".join(lines).split()
    assert {"FLOPs", "time", "PSNR,", "foreground", "LPIPS"} <= set(words)
    numbers = {f"{row.compute:.3f}", f"{row.scores['lpips'].mean:.3f}"}
    assert {*LABEL.split(), "10.55", "10.44-10.66", "123", "0.09x", *numbers} <= set(words)
    assert (words.count("100.0"), words.count("100.0-100.0")) == (2, 2)
    assert not {"SSIM", "samples/s", "123456.8"} & set(words)


def test_memory_stands_where_it_is_known(results: Results, subject: TinySubject) -> None:
    row, dense = (dataclasses.replace(run, peak_bytes=3 * 2**29) for run in (results.rows[0], results.dense))
    table = ResultTable(subject.metrics, 80, 9, memory=True)
    lines = printed(table.head(), table.dense(dense), table.row(row))
    assert all(len(line) <= 80 for line in lines)
    assert [words.count(word) for words in [" ".join(lines).split()] for word in ("GiB", "1.50")] == [1, 2]


def test_nothing_of_a_classifier_is_cut_at_80_columns(
    classifier_results: Results, classifier: ClassifyingSubject
) -> None:
    row, table = widest(classifier_results.rows[0]), ResultTable(classifier.metrics, 80, 9)
    top1 = row.scores["top1"]
    lines = printed(table.head(), table.dense(classifier_results.dense), table.row(row))
    assert all(len(line) <= 80 for line in lines)
    words = " ".join(lines).split()
    assert {"FLOPs", "time", "samples/s", "top-1", *LABEL.split(), "10.44-10.66", "123456.8"} <= set(words)
    assert {f"{top1.mean:.3f}", f"{top1.low:.3f}-{top1.high:.3f}"} <= set(words)
    assert "agreement" not in words


def test_dense_is_a_line_of_its_own(classifier_results: Results, classifier: ClassifyingSubject) -> None:
    dense = classifier_results.dense
    dense = dataclasses.replace(dense, seconds=0.00123)
    (first, second) = printed(ResultTable(classifier.metrics, 80, 9).dense(dense))
    top1 = dense.scores["top1"]
    *costs, seconds, speed, value = first.split()
    assert (costs, value) == (["dense", "1.000", "1.00"], "0.750")
    assert float(seconds.removesuffix("ms")) == pytest.approx(1000 * dense.seconds, rel=0.1)
    assert speed == f"{dense.samples_per_second:.1f}"
    assert second.split() == ["1.00x", f"{top1.low:.3f}-{top1.high:.3f}"]


def test_dense_has_its_seconds_and_no_value_of_a_relative_metric(results: Results, subject: TinySubject) -> None:
    for seconds, shown in ((12.345, "12.3"), (0.00829, "8.3ms")):
        dense = dataclasses.replace(results.dense, seconds=seconds)
        (first, second) = printed(ResultTable(subject.metrics, 80, 9).dense(dense))
        assert first.split() == ["dense", "1.000", "1.00", shown]
        assert second.split() == ["1.00x"]


def test_a_run_that_reduced_nothing_is_marked(results: Results, subject: TinySubject) -> None:
    same = dataclasses.replace(results.rows[0], identical=True)
    table = ResultTable(subject.metrics, 120, 9)
    lines = [" ".join(printed(table.row(row), width=120)) for row in (results.rows[0], same)]
    assert [all(word in line for word in ("(reduced", "nothing)")) for line in lines] == [False, True]


@pytest.mark.parametrize(
    ("kind", "better"),
    [("subject", "higher PSNR, higher foreground PSNR, lower LPIPS."), ("classifier", "higher top-1.")],
)
def test_the_note_says_which_way_is_better(request: pytest.FixtureRequest, kind: str, better: str) -> None:
    note = ResultTable(request.getfixturevalue(kind).metrics, 80, 9).note
    assert f"Better is: {better}" in note


def test_columns_stand_below_their_heads(results: Results, subject: TinySubject) -> None:
    table, row = ResultTable(subject.metrics, 120, 9), results.rows[0]
    lines = printed(table.head(), table.row(row), width=120)
    first = next(line for line in lines if line.startswith("dito"))
    values = [f"{row.compute:.3f}", f"{row.time_ratio.median:.2f}"]
    values += [f"{row.seconds:.3g}"]
    values += [f"{row.scores[name].mean:.{digits}f}" for name, digits in (("psnr", 1), ("psnr_foreground", 1))]
    for name, value in zip(("FLOPs", "time", "sec", "PSNR, dB", "foreground"), values, strict=True):
        assert first[lines[0].index(name) :].startswith(value)
