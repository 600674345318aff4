"""Compares the runs of a benchmark with a reference, sample by sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from tokred.bench.comparison import Against, AtCost, Comparisons, Knot, Missing, Twin
from tokred.bench.curve import Point, at_cost, pareto_front
from tokred.bench.reference import Reference
from tokred.bench.result import Axis, Results, Row
from tokred.errors import SpecError, UnknownName
from tokred.metrics import Metric, Paired

NOTHING = "it reduced nothing"
"""Why a run is not compared that is the dense model."""


def compare_runs(results: Results, references: Iterable[Reference], metric: Metric) -> Comparisons:
    """Compare every run that is not the reference's with the reference.

    Args:
        results: what a benchmark found; the values of its samples are all that is needed.
        references: what its runs are compared with.
        metric: what is compared; it decides which way is better.

    Raises:
        SpecError: if a reference has no runs, or there are no others, or the metric was not measured.
    """
    measured = dict.fromkeys(name for row in results.rows for name in row.scores)
    if metric.name not in measured:
        raise UnknownName("metric of these results:", metric.name, measured)
    if metric.overall:
        raise SpecError(f"{metric.title} is one number of all samples, and samples are compared. Take another metric.")
    against = tuple(_Comparing(results, reference, metric).all() for reference in references)
    return Comparisons(schema=1, model=results.model, date=results.date, metric=metric.name, against=against)


class _Comparing:
    """Compares with one reference."""

    def __init__(self, results: Results, reference: Reference, metric: Metric) -> None:
        reference.check((row.method, row.params) for row in results.rows)
        self.results = results
        self.reference = reference
        self.metric = metric
        selected = [row for row in results.rows if reference.selects((row.method, row.params))]
        self.selected = [row for row in selected if row.reduced]
        self.others = [row for row in results.rows if not reference.selects((row.method, row.params))]

    def all(self) -> Against:
        """Compare all runs that are not the reference's; one that reduced nothing is the dense model, and is not."""
        same = [Missing(row.label, "compute", row.compute, NOTHING) for row in self.others if not row.reduced]
        self.others = [row for row in self.others if row.reduced]
        found = [*self._twins(), *(each for row in self.others for each in self._at_costs(row)), *same]
        return Against(
            reference=self.reference.text,
            twins=tuple(each for each in found if isinstance(each, Twin)),
            curves=tuple(each for each in found if isinstance(each, AtCost)),
            missing=tuple(each for each in found if isinstance(each, Missing)),
        )

    def _twins(self) -> Iterator[Twin | Missing]:
        """Yield what can be said of each run of the reference's method."""
        for row in self.others:
            if row.method == self.reference.name:
                yield self._twin(row)

    def _twin(self, row: Row) -> Twin | Missing:
        rest = self.reference.rest(row.params)
        twin = next((each for each in self.selected if self.reference.rest(each.params) == rest), None)
        if twin is None:
            return Missing(row.label, "twin", None, f"no run of {self.reference.text} has its other parameters")
        return Twin(
            label=row.label,
            twin=twin.label,
            compute=row.compute,
            twin_compute=twin.compute,
            time=row.time_ratio.median,
            twin_time=twin.time_ratio.median,
            difference=self._difference(row, self._values(twin)),
        )

    def _at_costs(self, row: Row) -> Iterator[AtCost | Missing]:
        """Yield the comparison at equal compute, then the one at equal time."""
        for axis in get_args(Axis):
            yield self._at_cost(row, axis)

    def _at_cost(self, row: Row, axis: Axis) -> AtCost | Missing:
        front = pareto_front(self._points(axis), higher=self.metric.higher)
        cost = row.cost(axis)
        if not front:
            return Missing(row.label, axis, cost, f"no run of {self.reference.text} reduced anything")
        place = at_cost(front, cost)
        if place is None:
            return Missing(row.label, axis, cost, self._why(front, axis, cost))
        return AtCost(
            label=row.label,
            axis=axis,
            cost=cost,
            cheaper=_knot(place.cheaper),
            dearer=_knot(place.dearer),
            weight=place.weight,
            difference=self._difference(row, place.values),
        )

    def _points(self, axis: Axis) -> Iterator[Point]:
        """Yield the reference's runs, and the dense model where it has values of its own to be compared.

        By a relative metric it has none: it is what the others are compared with, and its PSNR of 100 dB is a cap.
        """
        for row in self.selected:
            score = row.scores[self.metric.name]
            yield Point(row.label, row.cost(axis), score.mean, score.values)
        dense = self.results.dense.scores.get(self.metric.name)
        if dense:
            yield Point("dense", 1.0, dense.mean, dense.values)

    def _why(self, front: Sequence[Point], axis: Axis, cost: float) -> str:
        """Say why there is nothing to compare with at a cost."""
        below = cost < front[0].cost
        end = front[0] if below else front[-1]
        none = "is that cheap" if below else "is better for costing that much"
        return f"no run of {self.reference.text} {none}, see {end.label} at {axis} {end.cost:.3f}"

    def _difference(self, row: Row, reference: Sequence[float]) -> Paired:
        return Paired.of(self._values(row), reference, higher=self.metric.higher)

    def _values(self, row: Row) -> tuple[float, ...]:
        return row.scores[self.metric.name].values


def _knot(point: Point) -> Knot:
    return Knot(point.label, point.cost, point.mean)
