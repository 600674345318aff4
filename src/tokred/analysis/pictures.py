"""What was drawn, as figures: where tokens were removed, and the failure cases."""

from __future__ import annotations

from typing import Any

import torch
from matplotlib.figure import Figure

from tokred.analysis.analyze import Findings
from tokred.demo.figure import amplified

SHOWN = 4
"""Number of generations whose maps are shown."""


def frequency_figure(findings: Findings) -> Figure:
    """Draw how often tokens were removed: a row for each weight, with the mean and the first generations."""
    analysis, count = findings.analysis, min(SHOWN, len(findings.dense))
    rows = 1 + len(analysis.penalties)
    figure = Figure(figsize=(1.7 * (1 + count) + 1, 1.8 * rows), layout="constrained")
    grid = figure.subplots(rows, 1 + count, squeeze=False)
    grid[0, 0].text(0.5, 0.5, "dense pictures;\nbelow: how often each\ntoken was removed", ha="center", fontsize=7)
    for panel in grid.flat:
        panel.set_axis_off()
    for panel, picture, seed in zip(grid[0, 1:], findings.dense, analysis.settings.seeds, strict=False):
        _picture(panel, picture, f"seed {seed}")
    for row, run, drawn in zip(grid[1:], analysis.penalties, findings.penalized, strict=True):
        maps = drawn.selected.mean(dim=(0, 1))
        for panel, values in zip(row, (maps.mean(dim=0), *maps), strict=False):
            shown = panel.imshow(values.numpy(), vmin=0, vmax=1, cmap="magma", interpolation="nearest")
        row[0].set_title(f"penalty {run.weight:g}, mean of {len(maps)}", fontsize=7)
    figure.colorbar(shown, ax=grid[1:, :], label="share of matches and sites")
    return figure


def failures_figure(findings: Findings) -> Figure:
    """Draw the worst pictures: dense, reduced, their difference."""
    worst, seeds = findings.analysis.failures.worst, findings.analysis.settings.seeds
    figure = Figure(figsize=(1.8 * len(worst) + 0.4, 5.8), layout="constrained")
    grid = figure.subplots(3, len(worst), squeeze=False)
    for panel in grid.flat:
        panel.set_axis_off()
    for column, failure in zip(grid.T, worst, strict=True):
        place = seeds.index(failure.seed)
        dense, reduced = findings.dense[place], findings.recommended.pictures[place]
        factor, difference = amplified((reduced - dense).abs())
        _picture(column[0], dense, f"{failure.asked}\nseed {failure.seed}: dense")
        _picture(column[1], reduced, f"reduced, {failure.psnr:.1f} dB")
        _picture(column[2], difference, f"difference, times {factor}")
    return figure


def _picture(panel: Any, picture: torch.Tensor, title: str) -> None:
    panel.set_title(title, fontsize=7)
    panel.imshow(picture.permute(1, 2, 0).clamp(0, 1).numpy(), interpolation="nearest")
