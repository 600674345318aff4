"""Paired differences, as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from tokred.bench.comparison import Against, Comparisons
from tokred.bench.figure_file import write_figure
from tokred.metrics import Metric, Paired

KINDS = {
    "twin": ("its twin", "#009E73", "D"),
    "compute": ("equal compute", "#0072B2", "o"),
    "time": ("equal measured time", "#D55E00", "s"),
}
"""What a run is compared with: its name, colour and marker."""


def write_gains(comparisons: Comparisons, metric: Metric, folder: Path) -> list[Path]:
    """Write `gains.png` and `gains.svg` into `folder`; return their paths, none where nothing could be compared.

    Raises:
        OutputError: if they cannot be written.
    """
    if not any(each.twins or each.curves for each in comparisons.against):
        return []
    return write_figure(gains_figure(comparisons, metric), "gains", folder)


def gains_figure(comparisons: Comparisons, metric: Metric) -> Figure:
    """Draw a panel for each reference, with a line for each run: its differences and their intervals."""
    panels = [against for against in comparisons.against if against.twins or against.curves]
    lines = [_runs(against) for against in panels]
    figure = Figure(figsize=(9, 1.2 + sum(0.42 * len(runs) + 1 for runs in lines)), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=[len(runs) + 1 for runs in lines])[:, 0]
    for panel, against, runs in zip(axes, panels, lines, strict=True):
        _draw(panel, against, runs)
        better = "right" if metric.higher else "left"
        panel.set_xlabel(f"{metric.head}, minus that of {against.reference} (bars: 95 % interval; {better} is better)")
    handles = {handle.get_label(): handle for panel in axes for handle in panel.get_legend_handles_labels()[0]}
    above = {"loc": "outside upper center", "ncols": len(handles), "frameon": False, "title": comparisons.model}
    figure.legend(handles=list(handles.values()), **above)
    return figure


def _draw(panel: Any, against: Against, runs: list[str]) -> None:
    panel.axvline(0, color="0.6", linewidth=1, linestyle=":")
    for offset, (kind, (name, colour, marker)) in zip((-0.2, 0, 0.2), KINDS.items(), strict=True):
        found = [(runs.index(label), paired) for label, each, paired in _differences(against) if each == kind]
        if found:
            panel.errorbar(
                [paired.mean for _, paired in found],
                [place + offset for place, _ in found],
                xerr=[
                    [max(0.0, paired.mean - paired.low) for _, paired in found],
                    [max(0.0, paired.high - paired.mean) for _, paired in found],
                ],
                label=name,
                color=colour,
                marker=marker,
                linestyle="none",
                capsize=2,
                elinewidth=1,
            )
    panel.set_yticks(range(len(runs)), runs, fontsize="small")
    panel.set_ylim(len(runs) - 0.5, -0.5)
    panel.grid(axis="x", alpha=0.25)


def _runs(against: Against) -> list[str]:
    """Return the runs that something was compared of, those with a twin first."""
    return list(dict.fromkeys(label for label, _, _ in _differences(against)))


def _differences(against: Against) -> Iterator[tuple[str, str, Paired]]:
    """Yield run, kind and difference of everything that was compared."""
    for twin in against.twins:
        yield twin.label, "twin", twin.difference
    for curve in against.curves:
        yield curve.label, curve.axis, curve.difference
