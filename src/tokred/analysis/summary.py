"""From everything that was measured to what an analysis tells."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tokred.analysis.cells import Cells
from tokred.analysis.persistence import MEASURES, Measure
from tokred.analysis.result import Band, Contrast, Curve
from tokred.bench.result import Score
from tokred.metrics import interval95

DIGITS = 5
"""Significant digits of what is summed up by site and step."""


def curves(cells: Cells, lags: Sequence[int]) -> dict[str, tuple[Curve, ...]]:
    """Sum up every measure at every lag."""
    return {measure: tuple(_curve(lag, cells.of(measure, lag)) for lag in lags) for measure in MEASURES}


def contrasts(cells: Cells, lags: Sequence[int]) -> dict[str, tuple[Contrast, ...]]:
    """Compare, within each generation and over the same steps; see `tokred.analysis.result.CONTRASTS`."""

    def mean(measure: Measure, lag: int, since: int) -> torch.Tensor:
        return cells.of(measure, lag, since).mean(dim=(0, 1))

    def entries(lag: int) -> dict[str, torch.Tensor]:
        kinds: tuple[tuple[Measure, Measure, Measure, str], ...] = (
            ("outputs_pearson", "inputs_pearson", "crossed_pearson", ""),
            ("outputs_rank", "inputs_rank", "crossed_rank", "_rank"),
        )
        found = {}
        for outputs, inputs, _, suffix in kinds:
            found[f"outputs_minus_inputs{suffix}"] = mean(outputs, lag, lag) - mean(inputs, lag, lag)
        for outputs, _, crossed, suffix in kinds:
            found[f"earlier_outputs_minus_inputs_now{suffix}"] = mean(outputs, lag, lag) - mean(crossed, 0, lag)
        reused, tiny = mean("outputs_error", lag, lag), torch.finfo(torch.float64).tiny
        found["reused_over_fresh"] = reused / mean("outputs_error", 0, lag).clamp_min(tiny)
        found["reused_over_inputs"] = reused / mean("inputs_error", 0, lag).clamp_min(tiny)
        return found

    by_lag = {lag: entries(lag) for lag in lags}
    return {
        name: tuple(Contrast(lag, Score.of(by_lag[lag][name].tolist())) for lag in lags) for name in by_lag[lags[0]]
    }


def _curve(lag: int, cells: torch.Tensor) -> Curve:
    """Sum up `[sites, steps, generations]`."""
    return Curve(
        lag=lag,
        score=Score.of(cells.mean(dim=(0, 1)).tolist()),
        by_site=_band(cells.mean(dim=1)),
        by_step=_band(cells.mean(dim=0)),
        cells=tuple(tuple(map(_rounded, row)) for row in cells.mean(dim=2).tolist()),
    )


def _band(values: torch.Tensor) -> Band:
    """Sum up `[entries, generations]`."""
    ends = [interval95(row) for row in values.tolist()]
    mean, low, high = values.mean(dim=1).tolist(), [low for low, _ in ends], [high for _, high in ends]
    return Band(*(tuple(map(_rounded, column)) for column in (mean, low, high)))


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
