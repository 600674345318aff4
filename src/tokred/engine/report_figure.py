"""A report as a figure."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.figure import Figure

from tokred.engine.report import Report
from tokred.errors import SpecError

COLUMNS = 14
"""Maps in a row at most."""
BLUE = "#0072B2"


def report_figure(report: Report) -> Figure:
    """Draw the share of the tokens that was computed at each step, and maps of which those were at one site.

    Raises:
        SpecError: if there was no generation yet.
    """
    if not report.calls:
        raise SpecError(f"{report.method} has computed nothing yet: draw something first, then plot.")
    maps = report.token_maps
    columns, rows = min(COLUMNS, max(len(maps), 1)), math.ceil(len(maps) / COLUMNS)
    figure = Figure(figsize=(max(5.0, 0.75 * columns), 2.2 + 0.9 * rows), layout="constrained")
    upper, *below = figure.subfigures(1 + bool(maps), 1, height_ratios=[2, rows] if maps else None, squeeze=False)[:, 0]
    draw_computed(upper.subplots(), report)
    upper.suptitle(f"{report.method} on {report.model}, {report.compute:.2f} of the sites' FLOPs", fontsize=9)
    for part in below:
        panels = part.subplots(rows, columns, squeeze=False).flat
        for panel, shown in zip(panels, maps, strict=False):
            panel.imshow(shown.kept.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            panel.set_title(f"{shown.step}", fontsize=7, pad=2)
        for panel in part.get_axes():
            panel.set(xticks=[], yticks=[], frame_on=bool(panel.images))
        part.suptitle(f"dark: not computed at {maps[0].site}, by step", fontsize=8)
    return figure


def draw_computed(panel: Any, report: Report) -> None:
    """Draw a bar for each step: the share of the image tokens that was computed."""
    shares = report.computed
    panel.bar(list(shares), list(shares.values()), color=BLUE, width=0.8)
    panel.set_ylim(0, 1)
    panel.set_xlabel("step", fontsize=8)
    panel.set_ylabel("tokens computed", fontsize=8)
    panel.tick_params(labelsize=7)
    panel.spines[["top", "right"]].set_visible(False)
    panel.xaxis.get_major_locator().set_params(integer=True)
