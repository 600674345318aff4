"""An analysis as plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from tokred.analysis.result import Analysis, Curve
from tokred.bench.result import Score

# Okabe and Ito's palette, which colour-blind readers can tell apart, without its black and its pale yellow.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
CORRELATIONS = {
    "outputs_pearson": "outputs, Pearson",
    "outputs_rank": "outputs, ranks",
    "inputs_pearson": "inputs, Pearson",
    "inputs_rank": "inputs, ranks",
    "crossed_pearson": "inputs then, outputs now, Pearson",
    "crossed_rank": "inputs then, outputs now, ranks",
}
PMR = {"outputs_pmr": "matched by outputs", "inputs_pmr": "matched by inputs"}


def correlations_figure(analysis: Analysis) -> Figure:
    """Draw correlations over the lag, and those of outputs and inputs over the step."""
    figure = Figure(figsize=(13, 4), layout="constrained")
    by_lag, outputs, inputs = figure.subplots(1, 3, sharey=True)
    _by_lag(by_lag, analysis, CORRELATIONS)
    by_lag.set_ylabel("correlation of similarity matrices")
    _by_step(outputs, analysis.curves["outputs_pearson"], "outputs, Pearson, by step")
    _by_step(inputs, analysis.curves["inputs_pearson"], "inputs, Pearson, by step")
    return figure


def layers_figure(analysis: Analysis) -> Figure:
    """Draw Pearson correlations of outputs and of inputs by site and step, a panel for each lag."""
    lags = analysis.settings.lags
    figure = Figure(figsize=(2.9 * len(lags) + 2, 0.34 * len(analysis.watched.sites) + 3.2), layout="constrained")
    rows = figure.subplots(2, len(lags), squeeze=False, sharex=True, sharey=True)
    for row, side in zip(rows, ("outputs", "inputs"), strict=True):
        for panel, curve in zip(row, analysis.curves[f"{side}_pearson"][1:], strict=True):
            extent = (curve.lag - 0.5, analysis.settings.steps - 0.5, len(analysis.watched.sites) - 0.5, -0.5)
            shown = panel.imshow(
                curve.cells, vmin=0, vmax=1, cmap="viridis", aspect="auto", extent=extent, interpolation="nearest"
            )
            panel.set_title(f"{side}, lag {curve.lag}", fontsize=9)
            panel.set_xlim(-0.5, analysis.settings.steps - 0.5)
        row[0].set_yticks(range(len(analysis.watched.sites)), analysis.watched.sites, fontsize=6)
    for panel in rows[-1]:
        panel.set_xlabel("step", fontsize=8)
    figure.colorbar(shown, ax=rows, label="Pearson correlation (0 or less: darkest)")
    return figure


def pairs_figure(analysis: Analysis) -> Figure:
    """Draw the pair match ratio over the lag and over the step."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    by_lag, by_step = figure.subplots(1, 2, sharey=True)
    _by_lag(by_lag, analysis, PMR)
    by_lag.set_ylabel("pair match ratio (PMR)")
    by_lag.set_ylim(0, 1.02)
    _by_step(by_step, analysis.curves["outputs_pmr"], "matched by outputs, by step")
    return figure


def errors_figure(analysis: Analysis) -> Figure:
    """Draw the error of reused pairs over that of fresh ones and of input-matched ones, and errors over the step."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    ratios, by_step = figure.subplots(1, 2)
    names = {"reused_over_fresh": "over pairs matched now by outputs", "reused_over_inputs": "over ... now by inputs"}
    for place, (name, title) in enumerate(names.items()):
        entries = analysis.contrasts[name]
        _bars(ratios, [entry.lag for entry in entries], [entry.score for entry in entries], title, place)
    ratios.axhline(1, color="0.6", linestyle=":")
    ratios.set_xlabel("lag, steps")
    ratios.set_ylabel("error of reused pairs, ratio")
    ratios.legend(fontsize=7, frameon=False)
    _by_step(by_step, analysis.curves["outputs_error"], "matched by outputs (dashed: by inputs, at the step)")
    fresh = analysis.curves["inputs_error"][0].by_step
    by_step.plot(range(len(fresh.mean)), fresh.mean, color="black", linestyle="--", linewidth=1)
    by_step.set_ylabel("squared recovery error / squared outputs")
    return figure


def _by_lag(panel: Any, analysis: Analysis, measures: dict[str, str]) -> None:
    for place, (name, title) in enumerate(measures.items()):
        curves = analysis.curves[name]
        _bars(panel, [curve.lag for curve in curves], [curve.score for curve in curves], title, place)
    panel.set_xlabel("lag, steps")
    panel.legend(fontsize=7, frameon=False)
    panel.grid(alpha=0.25)


def _bars(panel: Any, lags: Sequence[int], scores: Sequence[Score], title: str, place: int) -> None:
    """Draw means over the lag, with their 95 % intervals."""
    ends = [[s.mean - s.low for s in scores], [s.high - s.mean for s in scores]]
    style = {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)], "markersize": 4}
    bars = [[max(0.0, length) for length in side] for side in ends]
    panel.errorbar(lags, [score.mean for score in scores], yerr=bars, label=title, capsize=2, elinewidth=1, **style)


def _by_step(panel: Any, curves: Sequence[Curve], title: str) -> None:
    """Draw means over the step, a line for each lag, 95 % intervals shaded; lag 0 only where it is not 1 throughout."""
    for curve, colour in zip([c for c in curves if c.lag or min(c.by_step.mean) < 0.999], COLOURS, strict=False):
        steps, band = range(curve.lag, curve.lag + len(curve.by_step.mean)), curve.by_step
        panel.plot(steps, band.mean, color=colour, linewidth=1.2, label=f"lag {curve.lag}")
        panel.fill_between(steps, band.low, band.high, color=colour, alpha=0.2, linewidth=0)
    panel.set_xlabel("step")
    panel.set_title(title, fontsize=9)
    panel.legend(fontsize=7, frameon=False)
    panel.grid(alpha=0.25)
