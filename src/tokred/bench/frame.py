"""Results as a table of pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokred.extras import extra

if TYPE_CHECKING:
    import pandas

    from tokred.bench.result import Dense, Results, Row


def results_frame(results: Results) -> pandas.DataFrame:
    """Lay out the dense model and every run, a row each.

    Columns are label, method, kind, compute, time_ratio, speedup, seconds, peak_bytes and reduced; `param.NAME` for
    each parameter that a run was given; and for each metric its mean under its name, `NAME.low` and `NAME.high`.

    Raises:
        MissingPackage: if pandas is not installed.
    """
    with extra("pandas"):
        import pandas as pd
    dense = {"label": "dense", "compute": 1.0, "time_ratio": 1.0, "speedup": 1.0, "reduced": False}
    return pd.DataFrame([dense | _measured(results.dense), *(_run(row) for row in results.rows)])


def _run(row: Row) -> dict[str, Any]:
    costs = {"compute": row.compute, "time_ratio": row.time_ratio.median, "speedup": row.speedup}
    params = {f"param.{name}": value for name, value in row.params.items()}
    named = {"label": row.label, "method": row.method, "kind": row.kind}
    return named | costs | {"reduced": row.reduced} | _measured(row) | params


def _measured(run: Dense | Row) -> dict[str, Any]:
    scores = {
        name + end: value
        for name, score in run.scores.items()
        for end, value in (("", score.mean), (".low", score.low), (".high", score.high))
    }
    return {"seconds": run.seconds, "peak_bytes": run.peak_bytes} | scores
