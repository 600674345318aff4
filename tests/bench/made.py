"""Results made by hand, for what is derived from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tokred.bench import Results, Settings
from tokred.bench.contender import Contender
from tokred.bench.environment import Device, Versions
from tokred.bench.result import Dense, Row, Score, TimeRatio
from tokred.method import Method


def made_row(
    method: str,
    params: Mapping[str, Any],
    compute: float,
    time: float,
    values: Sequence[float],
    metric: str = "psnr",
) -> Row:
    """Make a run by hand."""
    entrant: Any = Method  # a label needs none
    return Row(
        method=method,
        params=dict(params),
        label=Contender(method, "method", params, entrant).label,
        kind="method",
        compute=compute,
        site_compute=None,
        time_ratio=TimeRatio(time, time, time),
        seconds=time,
        samples_per_second=1.0,
        peak_bytes=None,
        identical=metric == "psnr" and all(value == 100 for value in values),
        scores={metric: Score.of(values)},
    )


def made_results(*rows: Row, dense: Sequence[float] | None = None) -> Results:
    """Make results of `rows`; `dense` are the dense model's values, where the metric is absolute."""
    (metric,) = rows[0].scores
    samples = len(rows[0].scores[metric].values)
    return Results(
        schema=3,
        model="made",
        settings=Settings.from_seed(0, steps=1, samples=samples, pairs=1, batch=1, timing_batch=1),
        versions=Versions("0", "3", "2", "0", "1", None),
        device=Device("cpu", "a processor", 1, 1),
        date="2026-01-01T00:00:00+00:00",
        dense=Dense(1.0, 1.0, None, 1, {} if dense is None else {metric: Score.of(dense)}),
        rows=rows,
        failed=(),
        pending=(),
        left_out=(),
    )
