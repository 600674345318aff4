"""The same pictures by every method, one row each."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure

from tokred.bench.files import replacing
from tokred.bench.view import SHOWN, Exhibit
from tokred.metrics import Metric

NAME_WIDTH = 1.4  # of the column of names, in pictures


def write_strip(exhibits: Sequence[Exhibit], metric: Metric, folder: Path) -> Path:
    """Write `strip.png` into `folder`, with the dense pictures and each method's middle run; return its path.

    Args:
        exhibits: what was shown.
        metric: what the exhibits' values are of.
        folder: where it goes.

    Raises:
        OutputError: if it cannot be written.
    """
    path = folder / "strip.png"
    with replacing(path) as temporary:
        strip_figure(middle_runs(exhibits), metric).savefig(temporary, dpi=150)
    return path


def middle_runs(exhibits: Sequence[Exhibit]) -> list[Exhibit]:
    """Return the middle one of each name's exhibits, in order of appearance; of an even number the later one."""
    runs: dict[str, list[Exhibit]] = {}
    for exhibit in exhibits:
        runs.setdefault(exhibit.name, []).append(exhibit)
    return [same[len(same) // 2] for same in runs.values()]


def strip_figure(exhibits: Sequence[Exhibit], metric: Metric) -> Figure:
    """Draw a row for each exhibit: its name, its pictures, and what the first of them kept of its tokens."""
    columns = min(SHOWN, len(exhibits[0].pictures))
    widths = [NAME_WIDTH, *[1.0] * columns, 1.0]
    figure = Figure(figsize=(sum(widths), 1.25 * len(exhibits) + 0.3), layout="constrained")
    grid = figure.subplots(len(exhibits), len(widths), squeeze=False, width_ratios=widths)
    for panel in grid.flat:
        panel.set_axis_off()
    for row, exhibit in zip(grid, exhibits, strict=True):
        row[0].text(0, 0.5, _caption(exhibit, metric), va="center", fontsize=8)
        for panel, picture in zip(row[1:], exhibit.pictures, strict=False):
            _draw(panel, as_picture(picture))
        for panel, value in zip(row[1:], exhibit.values, strict=False):
            panel.set_title(f"{metric.written(value)} {metric.unit}", fontsize=6, pad=2)
        if removed := exhibit.removed:
            _draw(row[-1], removed.over(as_picture(exhibit.pictures[0])))
            row[-1].set_title(f"dark: removed at\n{removed.site}", fontsize=5, pad=2)
    return figure


def as_picture(made: torch.Tensor) -> torch.Tensor:
    """Return a picture `[3, H, W]` as it is, and a clip's frames `[F, 3, H, W]` side by side, `[3, H, F * W]`."""
    return made if made.ndim == 3 else torch.cat(list(made), dim=2)


def _caption(exhibit: Exhibit, metric: Metric) -> str:
    lines = exhibit.label.split()
    if exhibit.values:
        lines.append(f"{metric.title} {metric.written(statistics.fmean(exhibit.values))} {metric.unit}")
    return "\n".join(lines)


def _draw(panel: Any, picture: torch.Tensor) -> None:
    panel.imshow(picture.permute(1, 2, 0).float().clamp(0, 1).numpy(), interpolation="nearest")
