"""Results as tables of pandas, and as plots."""

from __future__ import annotations

import sys

import pytest
from bench.made import made_results, made_row

from tokred.bench import Results
from tokred.errors import UnknownName


@pytest.fixture
def results() -> Results:
    return made_results(made_row("dito", {"ratio": 0.5}, 0.6, 0.5, [30, 34]), made_row("fast", {}, 0.3, 0.25, [20, 22]))


def test_a_row_per_run(results: Results) -> None:
    pytest.importorskip("pandas")
    frame = results.to_pandas().set_index("label")
    assert list(frame.index) == ["dense", "dito ratio=0.5", "fast"]
    assert frame.loc["dito ratio=0.5", ["compute", "speedup", "psnr", "param.ratio"]].tolist() == [0.6, 2, 32, 0.5]
    assert frame.loc["dense", ["compute", "seconds"]].tolist() == [1, results.dense.seconds]
    assert frame["psnr.low"].isna().tolist() == [True, False, False]


def test_without_pandas_it_says_what_to_install(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"needs pandas, .*pip install 'tokred\[pandas\]'"):
        results.to_pandas()


def test_a_plot_is_of_a_metric_that_was_measured(results: Results) -> None:
    time, _ = results.plot().axes
    assert "PSNR" in time.get_ylabel()
    with pytest.raises(UnknownName, match="metric of these results: 'ssim'"):
        results.plot("ssim")
