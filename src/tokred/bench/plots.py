"""Quality over cost, as a picture: the front with its names, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from tokred.bench.figure_file import write_figure
from tokred.bench.result import Axis, Results, Row
from tokred.bench.taking import front_of, thinned
from tokred.metrics import Metric

# Okabe and Ito's palette, which colour-blind readers can tell apart.
FRONT, BASELINES, BEHIND = "#0072B2", "#D55E00", "0.72"
MARKERS = {"method": "o", "baseline": "s"}
NAMED = 8
"""Points of a front that are named at most."""
SPEEDUPS = (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 5, 7, 10, 20)
"""Where the upper axis may have its ticks; those that would collide are left out."""
MOST_COST = 1.3
"""Where an axis ends at the latest."""
TRIES = 30
"""How often the panels are made taller for names."""
APART = 0.055
"""Least distance of two ticks or two names, as a share of the axis."""

TIME_LABEL = "time / dense time, median of alternated pairs\n(bars: least to most)"
COMPUTE_LABEL = "FLOPs / dense FLOPs of the whole generation\n(counted while it ran, matching included)"
SPEEDUP_LABEL = "speedup = dense time / time"
FEWER_LABEL = "dense FLOPs / FLOPs"
AGAINST = {
    "dense": "against the dense outputs",
    "truth": "against the truth; dotted: dense",
    "prompt": "against the prompts; dotted: dense",
}


def write_pareto(results: Results, metric: Metric, folder: Path) -> list[Path]:
    """Write `pareto.png` and `pareto.svg` into `folder`; return their paths.

    Raises:
        OutputError: if they cannot be written.
    """
    return write_figure(pareto_figure(results, metric), "pareto", folder)


def pareto_figure(results: Results, metric: Metric) -> Figure:
    """Draw what `metric` says over time and over compute, better always further up.

    The runs of the front are joined and named; those of the baselines' own front are joined by dashes; all others are
    set back. What reduced nothing is not drawn. Dotted lines meet in the dense model, where the metric is absolute.
    """
    figure = Figure(figsize=(13, 5.8), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    dense = {"color": "0.6", "linewidth": 1, "linestyle": ":"}
    labels = ((TIME_LABEL, SPEEDUP_LABEL), (COMPUTE_LABEL, FEWER_LABEL))
    axes: tuple[Axis, Axis] = ("time", "compute")
    for panel, axis, (label, _) in zip(panels, axes, labels, strict=True):
        panel.axvline(1, **dense)
        if metric.name in results.dense.scores:
            panel.axhline(results.dense.scores[metric.name].mean, **dense)
        _draw(panel, results, metric, axis)
        panel.set_xlabel(label)
        panel.grid(alpha=0.2)
    if not metric.higher:
        panels[0].invert_yaxis()
    fronts = [thinned(front_of(results, metric, axis), NAMED) for axis in axes]
    _make_room(panels, fronts, metric, axes)
    for panel, front, axis, (_, upper) in zip(panels, fronts, axes, labels, strict=True):
        _name(panel, front, axis, metric)
        _inverse_axis(panel, upper)
    panels[0].set_ylabel(quality_label(metric))
    figure.suptitle(f"{results.model}, {results.settings.size}, {results.device.name}", fontsize="medium")
    found = (zip(*panel.get_legend_handles_labels(), strict=True) for panel in panels)
    handles = {label: handle for pairs in found for handle, label in pairs}
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=len(handles), frameon=False)
    return figure


def quality_label(metric: Metric) -> str:
    """Say what the plot's vertical axis shows."""
    better = "higher" if metric.higher else "lower"
    return f"{metric.head} {AGAINST[metric.against]}\n(mean over samples; bars: 95 % interval; {better} is better)"


def _draw(panel: Any, results: Results, metric: Metric, axis: Axis) -> None:
    """Draw all runs that reduced something, and two fronts."""
    front = front_of(results, metric, axis)
    behind = [row for row in results.rows if row.reduced and row not in front]
    for kind, marker in MARKERS.items():
        style = {"marker": marker, "color": BEHIND, "markersize": 4, "alpha": 0.8, "elinewidth": 0.6}
        _points(panel, [row for row in behind if row.kind == kind], metric, axis, f"other {kind}s", style)
        bold = {"marker": marker, "color": FRONT if kind == "method" else BASELINES, "markersize": 6, "elinewidth": 1}
        _points(panel, [row for row in front if row.kind == kind], metric, axis, f"{kind}s on the front", bold)
    _join(panel, front, metric, axis, {"color": FRONT, "linewidth": 1.4, "zorder": 1})
    dashes = {"color": BASELINES, "linewidth": 1, "linestyle": "--", "zorder": 1, "label": "the baselines' front"}
    own = front_of(results, metric, axis, [row for row in results.rows if row.kind == "baseline"])
    _join(panel, own, metric, axis, dashes)


def _points(panel: Any, rows: Sequence[Row], metric: Metric, axis: Axis, label: str, style: dict[str, Any]) -> None:
    """Draw runs with their intervals."""
    if not rows:
        return
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
        label=label,
        linestyle="none",
        **style,
    )


def _join(panel: Any, front: Sequence[Row], metric: Metric, axis: Axis, style: dict[str, Any]) -> None:
    if len(front) > 1:
        panel.plot([row.cost(axis) for row in front], [row.scores[metric.name].mean for row in front], **style)


def _make_room(panels: Any, fronts: Sequence[Sequence[Row]], metric: Metric, axes: Sequence[Axis]) -> None:
    """Widen the axes so that all names have their place; runs far slower than the dense model are beyond the edge."""
    for panel, front, axis in zip(panels, fronts, axes, strict=True):
        high = min(panel.get_xlim()[1], MOST_COST)
        lows = [0.0, *(_low(row, row.cost(axis), high) for row in front)]
        panel.set_xlim(min(lows), high)
        panel.set_xticks([tick for tick in panel.get_xticks() if 0 <= tick <= high])
    for _ in range(TRIES):
        places = [_places(*each, metric) for each in zip(panels, fronts, axes, strict=True)]
        if all(y < 0.97 for found in places for _, y in found):
            return
        bottom, top = panels[0].get_ylim()
        panels[0].set_ylim(bottom, top + 0.1 * (top - bottom))


def _low(row: Row, cost: float, high: float) -> float:
    """Return where an axis has to begin for the name of a run to find room left of it."""
    share = min(0.6, 0.03 + 0.0098 * len(row.label))
    return (cost - share * high) / (1 - share)


def _places(panel: Any, front: Sequence[Row], axis: Axis, metric: Metric) -> list[tuple[float, float]]:
    """Return where names stand, in shares of the panel: each up and left of its run, none over another."""
    into_axes, last = panel.transAxes.inverted(), -1.0
    found: list[tuple[float, float]] = []
    for row in front:
        point = (row.cost(axis), row.scores[metric.name].mean)
        x, y = into_axes.transform(panel.transData.transform(point))
        last = max(y + 0.025, last + APART)
        found.append((x - 0.02, last))
    return found


def _name(panel: Any, front: Sequence[Row], axis: Axis, metric: Metric) -> None:
    """Write the names of a front's runs where by the front's nature nothing else is."""
    for row, place in zip(front, _places(panel, front, axis, metric), strict=True):
        panel.annotate(
            row.label,
            (row.cost(axis), row.scores[metric.name].mean),
            xytext=place,
            textcoords="axes fraction",
            ha="right",
            va="center",
            fontsize=7,
            arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.6, "shrinkB": 3},
        )


def _inverse_axis(panel: Any, label: str) -> None:
    """Give a panel a second axis, on top, of one over its cost."""
    upper = panel.secondary_xaxis("top", functions=(_inverse, _inverse))
    upper.set_xlabel(label)
    low, high = panel.get_xlim()
    shown: list[float] = []
    for speedup in sorted(SPEEDUPS, key=lambda speedup: speedup not in (1, 2, 4)):
        inside = max(0, low) < 1 / speedup <= high
        if inside and all(abs(1 / speedup - 1 / other) > APART * (high - low) for other in shown):
            shown.append(speedup)
    upper.set_xticks(shown, [f"{speedup:g}×" for speedup in shown])


def _inverse(cost: Any) -> Any:
    """Return one over an array of costs; a cost of 0 counts as next to nothing."""
    return 1 / cost.clip(min=1e-9)
