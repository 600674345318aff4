"""A package of somebody else's: the docs' example, with its metric and its baseline in a benchmark."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bench.tiny import CLASSIFIER, NAME
from registry.hostile import lay_down

from tokred.bench import read_results
from tokred.registry import default_registry
from tokred.testing import run_checks

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "tokred-example"
SIZE = ("--steps", 2, "--samples", 2, "--pairs", 1)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    lay_down(tmp_path, "example", "from tokred_example import tokred_components")
    for folder in (EXAMPLE, tmp_path):
        monkeypatch.syspath_prepend(str(folder))
    default_registry.cache_clear()
    yield
    default_registry.cache_clear()
    for name in [name for name in sys.modules if name.startswith(("tokred_example", "plugin_example"))]:
        sys.modules.pop(name)


@pytest.mark.usefixtures("installed")
def test_its_metric_has_a_column_and_its_baseline_a_row(
    tokred: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    methods = ("--method", "half_precision", "--method", "tomesd:ratio=0.5")
    result = tokred("bench", "--model", NAME, *methods, "--metric", "edges", *SIZE, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert {"edges", "half_precision"} <= set(result.stdout.split())
    rows = {row.method: row for row in read_results(tmp_path / "out" / "results.json").rows}
    assert rows["half_precision"].kind == "baseline"
    assert 0 < rows["half_precision"].scores["edges"].mean < rows["tomesd"].scores["edges"].mean
    compared = tokred("compare", tmp_path / "out" / "results.json", "--against", "half_precision", "--metric", "edges")
    assert (compared.exit_code, compared.stderr) == (0, "")


@pytest.mark.usefixtures("installed")
def test_both_are_listed_and_checked(tokred: Callable[..., Any]) -> None:
    assert ["edges", "-", "lower"] in [line.split()[:3] for line in tokred("metrics").stdout.splitlines()]
    assert "half_precision" in tokred("methods").stdout
    results = list(run_checks(["metric:edges", "baseline:half_precision"]))
    assert len(results) > 4
    assert all(result.passed for result in results)


@pytest.mark.usefixtures("installed")
def test_a_metric_that_does_not_fit_is_refused(tokred: Callable[..., Any], tmp_path: Path) -> None:
    result = tokred("bench", "--model", CLASSIFIER, "--metric", "edges", "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Metric 'edges' takes pictures and compares them with the dense; here are scores" in result.stderr
    assert not (tmp_path / "out").exists()
