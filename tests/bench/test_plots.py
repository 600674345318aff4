"""The figure holds the numbers of the results."""

from __future__ import annotations

import dataclasses
import io
from itertools import pairwise
from pathlib import Path

import pytest
from bench.made import made_results, made_row

from tokred.bench import Metric, Results
from tokred.bench.classifying import ClassifyingSubject
from tokred.bench.plots import (
    BEHIND,
    COMPUTE_LABEL,
    FEWER_LABEL,
    SPEEDUP_LABEL,
    TIME_LABEL,
    pareto_figure,
    write_pareto,
)
from tokred.bench.result import Axis, TimeRatio
from tokred.bench.taking import front_of


def test_the_front_is_joined_and_named_and_the_rest_set_back(results: Results, metrics: dict[str, Metric]) -> None:
    for name in ("psnr", "lpips"):
        metric = metrics[name]
        figure = pareto_figure(results, metric)
        axes: tuple[Axis, Axis] = ("time", "compute")
        for panel, axis in zip(figure.axes, axes, strict=True):
            front = front_of(results, metric, axis)
            assert [text.get_text() for text in panel.texts] == [row.label for row in front]
            assert [text.xy for text in panel.texts] == [(row.cost(axis), row.scores[name].mean) for row in front]
            places = [text.get_position()[1] for text in panel.texts]
            assert all(below < above < 1 for below, above in pairwise(places))
            drawn = {c.get_label(): c.lines[0] for c in panel.containers}
            assert sum(len(line.get_xdata()) for line in drawn.values()) == len(results.rows)
            assert {line.get_color() for label, line in drawn.items() if label.startswith("other")} <= {BEHIND}
        time, compute = figure.axes
        assert (time.get_xlabel(), compute.get_xlabel()) == (TIME_LABEL, COMPUTE_LABEL)
        low, high = time.get_ylim()
        assert (low < high) == metric.higher


def test_intervals_are_those_of_the_rows(metrics: dict[str, Metric]) -> None:
    row = dataclasses.replace(made_row("dito", {}, 0.5, 0.5, (30, 34, 31)), time_ratio=TimeRatio(0.5, 0.4, 0.7))
    time, _ = pareto_figure(made_results(row), metrics["psnr"]).axes
    _, _, (across, up) = time.containers[0].lines
    assert up.get_segments()[0][:, 1] == pytest.approx([row.scores["psnr"].low, row.scores["psnr"].high])
    assert across.get_segments()[0][:, 0] == pytest.approx([0.4, 0.7])


def test_what_reduced_nothing_is_not_drawn(metrics: dict[str, Metric]) -> None:
    nothing = made_row("delta", {}, 1.0, 0.4, (100, 100))
    panel, _ = pareto_figure(made_results(made_row("dito", {}, 0.5, 0.5, (30, 31)), nothing), metrics["psnr"]).axes
    assert [text.get_text() for text in panel.texts] == ["dito"]
    assert sum(len(c.lines[0].get_xdata()) for c in panel.containers) == 1


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
        assert min(upper.get_xlim()) == pytest.approx(1 / high)
        ticks = sorted(1 / tick for tick in upper.get_xticks())
        assert len(ticks) > 2
        assert all(b - a > 0.05 * (high - low) for a, b in pairwise(ticks))


def test_files(results: Results, metrics: dict[str, Metric], tmp_path: Path) -> None:
    png, svg = write_pareto(results, metrics["psnr"], tmp_path)
    assert sorted(tmp_path.iterdir()) == [png, svg]
    assert png.read_bytes().startswith(b"\x89PNG")
    first = svg.read_text()
    assert "median of alternated pairs" in first
    assert "speedup = dense time / time" in first
    write_pareto(results, metrics["psnr"], tmp_path)
    assert svg.read_text() == first
