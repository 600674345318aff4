"""The figure holds the numbers of the results."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tokred.bench import Metric, Results
from tokred.bench.classifying import ClassifyingSubject
from tokred.bench.plots import COMPUTE_LABEL, FEWER_LABEL, SPEEDUP_LABEL, TIME_LABEL, pareto_figure, write_pareto


def test_a_line_for_each_method_and_dashes_for_baselines(results: Results, metrics: dict[str, Metric]) -> None:
    time, compute = pareto_figure(results, metrics["psnr"]).axes
    assert (time.get_xlabel(), compute.get_xlabel()) == (TIME_LABEL, COMPUTE_LABEL)
    assert time.get_ylabel().startswith("PSNR, dB against the dense outputs\n")
    lines = {container.get_label(): container.lines[0] for container in time.containers}
    styles = {name: line.get_linestyle() for name, line in lines.items()}
    assert styles == {"dito": "-", "tomesd": "-", "fewer_steps": "--", "step_cache": "-"}
    assert len({line.get_color() for line in lines.values()}) == 4


@pytest.mark.parametrize("name", ["psnr", "lpips"])
def test_points_are_the_rows_in_order_of_compute(results: Results, metrics: dict[str, Metric], name: str) -> None:
    rows = sorted((row for row in results.rows if row.method == "dito"), key=lambda row: row.compute)
    scores = [row.scores[name] for row in rows]
    time, compute = pareto_figure(results, metrics[name]).axes
    for panel, costs in ((time, [r.time_ratio.median for r in rows]), (compute, [r.compute for r in rows])):
        line, _, bars = panel.containers[0].lines
        assert line.get_xdata() == pytest.approx(costs)
        assert line.get_ydata() == pytest.approx([score.mean for score in scores])
        assert bars[-1].get_segments()[0][:, 1] == pytest.approx([scores[0].low, scores[0].high])
    spread = time.containers[0].lines[2][0].get_segments()[0]
    assert spread[:, 0] == pytest.approx([rows[0].time_ratio.min, rows[0].time_ratio.max])


def test_dense_is_in_the_plot_of_an_absolute_metric_alone(
    results: Results, classifier_results: Results, classifier: ClassifyingSubject, metrics: dict[str, Metric]
) -> None:
    top1 = classifier.metrics[0]
    for panel in pareto_figure(classifier_results, top1).axes:
        heights = [line.get_ydata()[0] for line in panel.lines if line.get_linestyle() == ":"]
        assert classifier_results.dense.scores["top1"].mean in heights
    for panel in pareto_figure(results, metrics["psnr"]).axes:
        assert [line.get_xdata()[0] for line in panel.lines if line.get_linestyle() == ":"] == [1]
    label = pareto_figure(classifier_results, top1).axes[0].get_ylabel()
    assert label.startswith("top-1 against the truth")
    assert label.endswith("higher is better)")
    assert "lower is better" in pareto_figure(results, metrics["lpips"]).axes[0].get_ylabel()


def test_the_upper_axis_is_one_over_the_lower(results: Results, metrics: dict[str, Metric]) -> None:
    figure = pareto_figure(results, metrics["psnr"])
    figure.savefig(io.BytesIO())  # places the upper axis
    for panel, label in zip(figure.axes, (SPEEDUP_LABEL, FEWER_LABEL), strict=True):
        (upper,) = panel.child_axes
        assert upper.get_xlabel() == label
        low, high = panel.get_xlim()
        assert sorted(upper.get_xlim()) == pytest.approx([1 / high, 1 / low])
        assert {"1×", "1.25×", "2×"} <= {tick.get_text() for tick in upper.get_xticklabels()}


def test_files(results: Results, metrics: dict[str, Metric], tmp_path: Path) -> None:
    png, svg = write_pareto(results, metrics["psnr"], tmp_path)
    assert sorted(tmp_path.iterdir()) == [png, svg]
    assert png.read_bytes().startswith(b"\x89PNG")
    first = svg.read_text()
    assert "median of alternated pairs" in first
    assert "speedup = dense time / time" in first
    write_pareto(results, metrics["psnr"], tmp_path)
    assert svg.read_text() == first
