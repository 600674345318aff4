"""Quality over cost, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from tokred.bench.figure_file import write_figure
from tokred.bench.result import Axis, Results, Row
from tokred.metrics import Metric

# Okabe and Ito's palette, which colour-blind readers can tell apart, without its black and its pale yellow.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
SPEEDUPS = (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 5, 7, 10, 20)
"""Where the upper axis has its ticks."""

TIME_LABEL = "time / dense time, median of alternated pairs\n(bars: least to most)"
COMPUTE_LABEL = "FLOPs / dense FLOPs of the whole generation\n(counted while it ran, matching included)"
SPEEDUP_LABEL = "speedup = dense time / time"
FEWER_LABEL = "dense FLOPs / FLOPs"
AGAINST = {"dense": "against the dense outputs", "truth": "against the truth; dotted: dense"}


def write_pareto(results: Results, metric: Metric, folder: Path) -> list[Path]:
    """Write `pareto.png` and `pareto.svg` into `folder`; return their paths.

    Raises:
        OutputError: if they cannot be written.
    """
    return write_figure(pareto_figure(results, metric), "pareto", folder)


def pareto_figure(results: Results, metric: Metric) -> Figure:
    """Draw what `metric` says over time and over compute: a line per method, a point per run, baselines dashed.

    Dotted lines meet in the dense model, where the metric is absolute; a relative one has no value for it.
    """
    figure = Figure(figsize=(12, 5.5), layout="constrained")
    by_time, by_compute = figure.subplots(1, 2, sharey=True)
    styles = cycle(zip(COLOURS, MARKERS, strict=False))
    for rows in runs_by_method(results).values():
        colour, marker = next(styles)
        line = {"color": colour, "marker": marker, "linestyle": "--" if rows[0].kind == "baseline" else "-"}
        _line(by_time, rows, metric, "time", line)
        _line(by_compute, rows, metric, "compute", line)
    dense = {"color": "0.6", "linewidth": 1, "linestyle": ":"}
    for panel, label, upper in ((by_time, TIME_LABEL, SPEEDUP_LABEL), (by_compute, COMPUTE_LABEL, FEWER_LABEL)):
        panel.axvline(1, **dense)
        if metric.name in results.dense.scores:
            panel.axhline(results.dense.scores[metric.name].mean, **dense)
        panel.set_xlabel(label)
        panel.grid(alpha=0.25)
        _inverse_axis(panel, upper)
    by_time.set_ylabel(quality_label(metric))
    figure.suptitle(f"{results.model}, {results.settings.size}, {results.device.name}", fontsize="medium")
    handles, labels = by_time.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False, title="dashed: baselines")
    return figure


def quality_label(metric: Metric) -> str:
    """Say what the plot's vertical axis shows."""
    better = "higher" if metric.higher else "lower"
    return f"{metric.head} {AGAINST[metric.against]}\n(mean over samples; bars: 95 % interval; {better} is better)"


def runs_by_method(results: Results) -> dict[str, list[Row]]:
    """Return the rows of each method or baseline, in order of appearance."""
    runs: dict[str, list[Row]] = {}
    for row in results.rows:
        runs.setdefault(row.method, []).append(row)
    return runs


def _line(panel: Any, rows: Sequence[Row], metric: Metric, axis: Axis, style: dict[str, Any]) -> None:
    """Draw the runs of one method over a cost, joined from the least compute to the most."""
    rows = sorted(rows, key=lambda row: row.compute)
    times, scores = [row.time_ratio for row in rows], [row.scores[metric.name] for row in rows]
    spread = [[time.median - time.min for time in times], [time.max - time.median for time in times]]
    panel.errorbar(
        [row.cost(axis) for row in rows],
        [score.mean for score in scores],
        xerr=spread if axis == "time" else None,
        yerr=[
            [max(0.0, score.mean - score.low) for score in scores],
            [max(0.0, score.high - score.mean) for score in scores],
        ],
        label=rows[0].method,
        capsize=2,
        elinewidth=1,
        **style,
    )


def _inverse_axis(panel: Any, label: str) -> None:
    """Give a panel a second axis, on top, of one over its cost."""
    upper = panel.secondary_xaxis("top", functions=(_inverse, _inverse))
    upper.set_xlabel(label)
    upper.set_xticks(SPEEDUPS, [f"{speedup:g}×" for speedup in SPEEDUPS])


def _inverse(cost: Any) -> Any:
    """Return one over an array of costs; a cost of 0 counts as next to nothing."""
    return 1 / cost.clip(min=1e-9)
