"""What to take of what was measured, and the line that applies it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tokred.bench.curve import Point, pareto_front
from tokred.bench.result import Axis, Results, Row
from tokred.metrics import Metric
from tokred.registry import written

MOST = 6
"""Runs that are named at most."""


def front_of(results: Results, metric: Metric, axis: Axis, rows: Sequence[Row] | None = None) -> list[Row]:
    """Return the runs, of all or of some, that are better on average than all that cost no more, the cheapest first.

    Runs that reduced nothing take no part, and none that costs as much as the dense model.
    """
    rows = results.rows if rows is None else rows
    named = {row.label: row for row in rows if row.reduced and row.cost(axis) < 1}
    points = [Point(row.label, row.cost(axis), row.scores[metric.name].mean, ()) for row in named.values()]
    return [named[point.label] for point in pareto_front(points, higher=metric.higher)]


def thinned(front: Sequence[Row], most: int) -> list[Row]:
    """Return at most so many runs of a front, its two ends among them, evenly spread over its order."""
    if len(front) <= most:
        return list(front)
    return [front[round(place * (len(front) - 1) / (most - 1))] for place in range(most)]


def what_to_take(results: Results, metric: Metric) -> Iterator[str]:
    """Yield lines that name the best run at each time, and how it is applied: the fastest, the best, and between."""
    front = front_of(results, metric, "time")
    if not front:
        yield "Nothing here is faster than the dense model: take that."
        return
    yield f"What to take, by {metric.title}: the best at each time."
    for row in thinned(front, MOST):
        quality = f"{metric.written(row.scores[metric.name].mean)} {metric.unit}".rstrip()
        yield f"  {row.speedup:.2f}x, {row.seconds:.3g} s, {quality}: {applied_by(row)}"


def applied_by(row: Row) -> str:
    """Return the line of Python that applies a run's method, or what a baseline is measured by again."""
    if row.kind == "baseline":
        given = ",".join(f"{name}={written(value)}" for name, value in row.params.items())
        return f"{row.method}:{given}, a baseline" if given else f"{row.method}, a baseline"
    params = (f"{name}={_code(v)}" for name, v in row.params.items())
    return f"tokred.apply(pipe, {', '.join([_code(row.method), *params])})"


def _code(value: object) -> str:
    return repr(tuple(value)) if isinstance(value, list) else f'"{value}"' if isinstance(value, str) else repr(value)
