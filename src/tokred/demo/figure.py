"""A comparison as a figure."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tokred.bench.files import replacing
from tokred.bench.view import shown
from tokred.demo.comparison import Comparison
from tokred.engine.report_figure import draw_computed

PANELS = ("dense", "reduced", "difference", "tokens")


def write_demo(comparison: Comparison, path: Path) -> None:
    """Write the figure to `path`, a .png.

    Raises:
        OutputError: it cannot be written.
    """
    with replacing(path) as temporary:
        demo_figure(comparison).savefig(temporary, dpi=150)


def demo_figure(comparison: Comparison) -> Figure:
    """Draw both pictures, their difference, the removed tokens, and below how many were computed at each step.

    Of video it is the frame in the middle.
    """
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    figure.suptitle(comparison.title, fontsize=11)
    panels: dict[str, Any] = figure.subplot_mosaic([PANELS, ["steps"] * len(PANELS)], height_ratios=[1, 0.28])
    drawn = {name: shown(getattr(comparison, name)[None])[0] for name in ("dense", "reduced")}
    factor, difference = amplified((drawn["reduced"] - drawn["dense"]).abs())
    reduced = f"{comparison.label}\nPSNR {comparison.psnr:.1f} dB"
    _draw(panels["dense"], f"dense\n{comparison.dense_seconds:.2f} s", drawn["dense"])
    _draw(panels["reduced"], f"{reduced}, {comparison.reduced_seconds:.2f} s", drawn["reduced"])
    _draw(panels["difference"], f"absolute difference,\ntimes {factor}", difference)
    _draw_tokens(panels["tokens"], comparison)
    _draw_steps(panels["steps"], comparison)
    return figure


def amplified(difference: torch.Tensor) -> tuple[int, torch.Tensor]:
    """Multiply a difference by the largest power of two that leaves 99 % of its values in [0, 1].

    Args:
        difference: `[3, H, W]`, in [0, 1].

    Returns:
        The factor, at most 1024, and the product, cut off at 1.
    """
    most = max(float(difference.quantile(0.99)), 2**-10)
    factor = 2 ** math.floor(-math.log2(most))
    return factor, (difference * factor).clamp(max=1)


def _draw(panel: Any, title: str, picture: torch.Tensor) -> None:
    panel.set_axis_off()
    panel.set_title(title, fontsize=9)
    panel.imshow(picture.permute(1, 2, 0).numpy(), interpolation="nearest", vmin=0, vmax=1)


def _draw_tokens(panel: Any, comparison: Comparison) -> None:
    """Draw the removed tokens dark over the method's picture; the steps, where tokens were never matched."""
    tokens = comparison.tokens
    if tokens is None:
        _draw_skipped(panel, comparison.report.computed)
        return
    title = f"dark: removed at step {tokens.step},\nat {tokens.site}"
    _draw(panel, title, tokens.over(comparison.reduced))


def _draw_skipped(panel: Any, shares: dict[int, float]) -> None:
    """Draw a square for each step, in reading order: dark where nothing was computed."""
    columns = math.ceil(math.sqrt(len(shares)))
    panel.set_axis_off()
    panel.set_title(
        f"dark: {sum(not share for share in shares.values())} of {len(shares)} steps\nwere skipped", fontsize=9
    )
    panel.set(xlim=(-0.5, columns - 0.5), ylim=(columns - 0.5, -0.5), aspect="equal")
    for place, (step, share) in enumerate(shares.items()):
        row, column = divmod(place, columns)
        panel.add_patch(Rectangle((column - 0.45, row - 0.45), 0.9, 0.9, color="#0072B2" if share else "0.15"))
        panel.text(column, row, str(step), ha="center", va="center", color="white", fontsize=7)


def _draw_steps(panel: Any, comparison: Comparison) -> None:
    draw_computed(panel, comparison.report)
    panel.set_title(
        f"share of the image tokens computed at {comparison.sites} site{'s' * (comparison.sites != 1)} "
        f"({comparison.compute:.2f} of the FLOPs)",
        fontsize=9,
    )
