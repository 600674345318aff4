"""The figure of the gains holds the numbers of the comparisons."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from bench.made import made_results, made_row

from tokred.bench import Comparisons, Metric, compare_runs, parse_references
from tokred.bench.gains_plot import gains_figure, write_gains

ROWS = (
    made_row("a", {"n": 1}, 0.5, 0.85, (12, 20, 33)),
    made_row("a", {"n": 1, "signal": "input"}, 0.5, 0.7, (10, 20, 30)),
    made_row("a", {"n": 2, "signal": "input"}, 0.7, 0.9, (10, 20, 31)),
    made_row("b", {}, 0.6, 0.8, (9, 19, 32)),
)


@pytest.fixture
def comparisons(metrics: dict[str, Metric]) -> Comparisons:
    return compare_runs(made_results(*ROWS), parse_references(["a:signal=input", "a:n=1"]), metrics["psnr"])


def test_points_are_the_differences_and_bars_their_intervals(
    comparisons: Comparisons, metrics: dict[str, Metric]
) -> None:
    figure = gains_figure(comparisons, metrics["psnr"])
    assert len(figure.axes) == len(comparisons.against) == 2
    for panel, against in zip(figure.axes, comparisons.against, strict=True):
        labels = [label.get_text() for label in panel.get_yticklabels()]
        assert set(labels) == {each.label for each in (*against.twins, *against.curves)}
        drawn = {container.get_label(): container.lines for container in panel.containers}
        expected = {"its twin": against.twins}
        for name, axis in (("equal compute", "compute"), ("equal measured time", "time")):
            expected[name] = tuple(curve for curve in against.curves if curve.axis == axis)
        assert drawn.keys() == {name for name, each in expected.items() if each}
        for name, (points, _, bars) in drawn.items():
            differences = [each.difference for each in expected[name]]
            assert list(points.get_xdata()) == [difference.mean for difference in differences]
            assert [round(y) for y in points.get_ydata()] == [labels.index(each.label) for each in expected[name]]
            ends = [segment[:, 0] for segment in bars[0].get_segments()]
            for end, difference in zip(ends, differences, strict=True):
                assert end == pytest.approx([difference.low, difference.high])


def test_words(comparisons: Comparisons, metrics: dict[str, Metric]) -> None:
    figure = gains_figure(comparisons, metrics["psnr"])
    label = "PSNR, dB, minus that of a:signal=input (bars: 95 % interval; right is better)"
    assert figure.axes[0].get_xlabel() == label
    (legend,) = figure.legends
    assert legend.get_title().get_text() == "made"
    assert [text.get_text() for text in legend.get_texts()] == ["its twin", "equal compute", "equal measured time"]
    lower = gains_figure(comparisons, dataclasses.replace(metrics["psnr"], higher=False))
    assert "left is better" in lower.axes[0].get_xlabel()


def test_a_reference_without_comparisons_has_no_panel(comparisons: Comparisons, metrics: dict[str, Metric]) -> None:
    first, second = comparisons.against
    half = dataclasses.replace(comparisons, against=(dataclasses.replace(first, twins=(), curves=()), second))
    assert len(gains_figure(half, metrics["psnr"]).axes) == 1


def test_files(comparisons: Comparisons, metrics: dict[str, Metric], tmp_path: Path) -> None:
    png, svg = write_gains(comparisons, metrics["psnr"], tmp_path)
    assert sorted(tmp_path.iterdir()) == [png, svg] == [tmp_path / "gains.png", tmp_path / "gains.svg"]
    assert png.read_bytes().startswith(b"\x89PNG")
    first = svg.read_text()
    write_gains(comparisons, metrics["psnr"], tmp_path)
    assert svg.read_text() == first


def test_nothing_is_written_where_nothing_could_be_compared(metrics: dict[str, Metric], tmp_path: Path) -> None:
    far = made_results(ROWS[0], made_row("b", {}, 0.9, 0.9, (1, 2, 3)))
    assert write_gains(compare_runs(far, parse_references(["b"]), metrics["psnr"]), metrics["psnr"], tmp_path) == []
    assert list(tmp_path.iterdir()) == []
