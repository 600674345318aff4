"""Paired differences between runs and a reference; docs/results-schema.md describes each field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tokred.bench.result import Axis
from tokred.errors import SpecError
from tokred.metrics import Paired


@dataclass(frozen=True)
class Twin:
    """A run and the reference's run with the same parameters, but for those that the reference names.

    Attributes:
        label: of the run.
        twin: label of the reference's run.
        compute: of the run, over dense.
        twin_compute: of the reference's run.
        time: of the run over dense, the median.
        twin_time: of the reference's run.
        difference: run minus twin, paired by sample.
    """

    label: str
    twin: str
    compute: float
    twin_compute: float
    time: float
    twin_time: float
    difference: Paired


@dataclass(frozen=True)
class Knot:
    """A run of the reference that a comparison rests on.

    Attributes:
        label: of the run, or "dense".
        cost: of it, over dense.
        mean: of its values.
    """

    label: str
    cost: float
    mean: float


@dataclass(frozen=True)
class AtCost:
    """A run, and the reference at the same cost, interpolated along its front.

    Attributes:
        label: of the run.
        axis: what is equal: "compute", or "time", the median of measured ratios.
        cost: of both, over dense.
        cheaper: the reference's run at or below that cost.
        dearer: the one at or above it; the same where the cost is a run's own.
        weight: of the dearer one, in [0, 1].
        difference: run minus reference, paired by sample.
    """

    label: str
    axis: Axis
    cost: float
    cheaper: Knot
    dearer: Knot
    weight: float
    difference: Paired

    def __post_init__(self) -> None:
        if not (self.cheaper.cost <= self.cost <= self.dearer.cost and 0 <= self.weight <= 1):
            raise SpecError(
                f"cost={self.cost} must be from {self.cheaper.cost} to {self.dearer.cost}, and weight={self.weight} in "
                "[0, 1]: nothing is extrapolated."
            )


@dataclass(frozen=True)
class Missing:
    """A comparison that cannot be made.

    Attributes:
        label: of the run.
        at: what it was to be compared with: its "twin", or the reference at equal "compute" or "time".
        cost: of the run, over dense; None where `at` is "twin".
        why: what is missing.
    """

    label: str
    at: Literal["twin", "compute", "time"]
    cost: float | None
    why: str


@dataclass(frozen=True)
class Against:
    """All runs against one reference.

    Attributes:
        reference: as it was named, such as "dito:signal=input".
        twins: runs that have a twin.
        curves: runs at equal compute and at equal time, the runs in the order of the results.
        missing: what cannot be compared.
    """

    reference: str
    twins: tuple[Twin, ...]
    curves: tuple[AtCost, ...]
    missing: tuple[Missing, ...]


@dataclass(frozen=True)
class Comparisons:
    """Everything that was compared, by one metric.

    Attributes:
        schema: version of the file's format.
        model: name of the model.
        date: of the results that were compared.
        metric: name of the metric; differences are in its unit.
        against: one per reference.
    """

    schema: Literal[1]
    model: str
    date: str
    metric: str
    against: tuple[Against, ...]
