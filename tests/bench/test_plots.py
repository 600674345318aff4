"""The figure holds the numbers of the results."""

from __future__ import annotations

from pathlib import Path

import pytest

from tokred.bench import Results
from tokred.bench.plots import COMPUTE_LABEL, PSNR_LABEL, TIME_LABEL, pareto_figure, write_pareto


def test_a_line_for_each_method_and_dashes_for_rivals(results: Results) -> None:
    time, compute = pareto_figure(results).axes
    assert (time.get_xlabel(), compute.get_xlabel(), time.get_ylabel()) == (TIME_LABEL, COMPUTE_LABEL, PSNR_LABEL)
    lines = {container.get_label(): container.lines[0] for container in time.containers}
    styles = {name: line.get_linestyle() for name, line in lines.items()}
    assert styles == {"dito": "-", "tomesd": "-", "fewer_steps": "--", "step_cache": "--"}
    assert len({line.get_color() for line in lines.values()}) == 4


def test_points_are_the_rows_in_order_of_compute(results: Results) -> None:
    rows = sorted((row for row in results.rows if row.method == "dito"), key=lambda row: row.compute)
    time, compute = pareto_figure(results).axes
    for panel, costs in ((time, [r.time_ratio.median for r in rows]), (compute, [r.compute for r in rows])):
        line, _, bars = panel.containers[0].lines
        assert line.get_xdata() == pytest.approx(costs)
        assert line.get_ydata() == pytest.approx([row.psnr.mean for row in rows])
        assert bars[-1].get_segments()[0][:, 1] == pytest.approx([rows[0].psnr.low, rows[0].psnr.high])
    spread = time.containers[0].lines[2][0].get_segments()[0]
    assert spread[:, 0] == pytest.approx([rows[0].time_ratio.min, rows[0].time_ratio.max])


def test_files(results: Results, tmp_path: Path) -> None:
    png, svg = write_pareto(results, tmp_path)
    assert sorted(tmp_path.iterdir()) == [png, svg]
    assert png.read_bytes().startswith(b"\x89PNG")
    first = svg.read_text()
    assert "median of alternated pairs" in first
    write_pareto(results, tmp_path)
    assert svg.read_text() == first
