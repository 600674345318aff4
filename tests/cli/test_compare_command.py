"""`tokred compare` and `tokred bench --against`: what they say and write, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from bench.made import made_results, made_row
from bench.tiny import CLASSIFIER, NAME

from tokred.bench import compare_runs, find_metric, parse_references, read_comparisons, read_results, write_results

Tokred = Callable[..., Any]
FILES = ["comparisons.json", "gains.png", "gains.svg"]
SMALL = ("--samples", 2, "--pairs", 1)
LONG = {"ratio": 0.5, "interval": 12, "dense_first": 4, "sites": ["attn", "mlp"]}
VALUES = (31.25, 40.5, 33.125, 100.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Results with a twin, two runs on a curve, and one beyond it."""
    results = made_results(
        made_row("dito", LONG, 0.725, 0.875, [value + 20 for value in VALUES]),
        made_row("dito", LONG | {"signal": "input"}, 0.725, 0.75, VALUES),
        made_row("dito", {"ratio": 0.25, "signal": "input"}, 0.825, 1.0, [value + 0.5 for value in VALUES]),
        made_row("tomesd", {"ratio": 0.75}, 0.5, 0.5, VALUES),
    )
    write_results(results, tmp_path / "results.json")
    return tmp_path / "results.json"


def test_everything_is_said(tokred: Tokred, file: Path) -> None:
    result = tokred("compare", file, "--against", "dito:signal=input")
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    for line in (
        "Against the twin in dito:signal=input",
        "Against dito:signal=input at equal compute and at equal time",
        "Not compared: tomesd ratio=0.75 (0.500): no run of dito:signal=input is that cheap, see dito ratio=0.5 "
        "interval=12 dense_first=4 sites=attn+mlp signal=input at compute 0.725.",
        "not corrected for the number of comparisons, 3 here.",
    ):
        assert line in result.stdout
    words = result.stdout.split()
    assert words.count("+20.00") == 2
    assert words.count("4/0/0") == 3
    assert {"0.725", "0.875", "compute", "time", "PSNR,", "50", "(0.750)", "(1.000)", "+19.75", "0.12"} <= set(words)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_no_number_is_cut_at_80_columns(tokred: Tokred, file: Path) -> None:
    lines = tokred("compare", file, "--against", "dito:signal=input").stdout.splitlines()
    table = [line for line in lines if "4/0/0" in line]
    assert all(len(line) <= 80 for line in table)
    assert all("(+2" in line or "(+19" in line for line in table)
    assert {"interval=12", "dense_first=4", "sites=attn+mlp"} <= {word for line in lines for word in line.split()}


def test_files_are_written_where_asked(tokred: Tokred, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    texts = ["dito:signal=input", "tomesd"]
    result = tokred("compare", file, *(word for text in texts for word in ("--against", text)), "--out", out)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert sorted(path.name for path in out.iterdir()) == FILES
    results = read_results(file)
    assert read_comparisons(out / "comparisons.json") == compare_runs(
        results, parse_references(texts), find_metric(results)
    )
    assert result.stdout.endswith(f"Written to {out}: comparisons.json, gains.png, gains.svg\n")


def test_without_a_comparison_there_is_no_picture(tokred: Tokred, tmp_path: Path) -> None:
    rows = made_row("a", {}, 0.5, 0.5, VALUES), made_row("b", {}, 0.9, 0.9, VALUES)
    write_results(made_results(*rows), tmp_path / "results.json")
    result = tokred("compare", tmp_path / "results.json", "--against", "a", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith(f"Written to {tmp_path}: comparisons.json\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--against", "dita"], "Unknown reference 'dita'. Known: dito, tomesd. Did you mean 'dito'?"),
        (["--against", "dito:signal"], "'signal' of --against dito:signal has no value. Write signal=VALUE."),
        (["--against", "tomesd:ratio=0.5"], "No run fits the reference tomesd:ratio=0.5. The runs of tomesd have:"),
        (["--against", "tomesd", "--metric", "psrn"], "Unknown metric of these results: 'psrn'. Known: psnr."),
        (["--against", "tomesd", "--out", "results.json"], "--out results.json: it is a file."),
    ],
)
def test_a_refusal_is_one_message_and_nothing_is_written(
    tokred: Tokred, file: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(file.parent)
    result = tokred("compare", file, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"tokred: {message}")
    assert result.stderr.count("\n") == 1
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_is_not_there_is_refused(tokred: Tokred, tmp_path: Path) -> None:
    result = tokred("compare", tmp_path / "none.json", "--against", "dito")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"tokred: {tmp_path / 'none.json'} cannot be read: No such file or directory.")
    assert result.stderr.endswith("Name a results.json that `tokred bench` wrote.\n")


def test_bench_compares_when_it_has_run(tokred: Tokred, tmp_path: Path) -> None:
    methods = ("dito:ratio=0.5", "dito:ratio=0.5,signal=input")
    named = [word for text in methods for word in ("--method", text)]
    result = tokred("bench", "--model", NAME, *named, "--against", "dito:signal=input", *SMALL, "--out", tmp_path)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert {*FILES, "results.json"} <= {path.name for path in tmp_path.iterdir()}
    results, comparisons = read_results(tmp_path / "results.json"), read_comparisons(tmp_path / "comparisons.json")
    references = parse_references(["dito:signal=input"])
    assert comparisons == compare_runs(results, references, find_metric(results))
    assert [twin.label for twin in comparisons.against[0].twins] == ["dito ratio=0.5"]
    assert "--method dito:ratio=0.5,signal=input --against dito:signal=input --steps" in results.settings.command
    assert "Against the twin in dito:signal=input" in result.stdout
    files = "report.html, results.json, pareto.png, pareto.svg, strip.png, comparisons.json, gains.png, gains.svg"
    assert f"Written to {tmp_path}: {files}\n" in result.stdout


@pytest.mark.parametrize(
    ("model", "against", "message"),
    [
        (NAME, "dito", "Unknown reference 'dito'. Known: random, tomesd."),
        (NAME, "random:ratio", "'ratio' of --against random:ratio has no value."),
        (NAME, "random:ratio=0.9", "No run fits the reference random:ratio=0.9."),
        (CLASSIFIER, "dito", "Unknown reference 'dito'. Known: random, tomesd."),
        ("all", "dito", "Unknown reference 'dito'. Known: random, tomesd."),
    ],
)
def test_bench_refuses_a_reference_before_anything_runs(
    tokred: Tokred, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, against: str, message: str
) -> None:
    monkeypatch.setattr(torch.nn.Linear, "forward", lambda *_: pytest.fail("something ran"))
    options = ("--method", "random", "--method", "tomesd", "--against", against, "--out", tmp_path / "out")
    result = tokred("bench", "--model", model, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"tokred: {message}")
    assert list(tmp_path.iterdir()) == []
