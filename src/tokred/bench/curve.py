"""What a set of runs reaches at a cost: their Pareto front, and the straight lines between its points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, TypeVar


class Placed(Protocol):
    """Anything with a cost and a mean quality."""

    @property
    def cost(self) -> float:
        """What it costs, over dense."""
        ...

    @property
    def mean(self) -> float:
        """How good it is on average."""
        ...


P = TypeVar("P", bound=Placed)


@dataclass(frozen=True)
class Point:
    """A run, as a point over cost.

    Attributes:
        label: of the run.
        cost: over dense.
        mean: of the values.
        values: of a metric, one per sample.
    """

    label: str
    cost: float
    mean: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class Between:
    """A place on a front.

    Attributes:
        cheaper: the point at or below its cost.
        dearer: the point at or above its cost; the same one where the cost is a point's own.
        weight: of the dearer one, in [0, 1].
    """

    cheaper: Point
    dearer: Point
    weight: float

    @property
    def values(self) -> list[float]:
        """The value of each sample, on the straight line between its values at the two points.

        It is what a sample has on average where a coin chooses its run, the dearer one with probability `weight`. So
        the reference really reaches the mean of these values, at exactly this cost.
        """
        pairs = zip(self.cheaper.values, self.dearer.values, strict=True)
        return [cheaper + self.weight * (dearer - cheaper) for cheaper, dearer in pairs]


def pareto_front(points: Iterable[P], *, higher: bool) -> tuple[P, ...]:
    """Return the points that are better on average than all that cost no more, the cheapest first.

    Args:
        points: at least one.
        higher: whether higher is better.
    """
    sign = 1 if higher else -1
    front: list[P] = []
    for point in sorted(points, key=lambda point: (point.cost, -sign * point.mean)):
        if not front or sign * point.mean > sign * front[-1].mean:
            front.append(point)
    return tuple(front)


def at_cost(front: Sequence[Point], cost: float) -> Between | None:
    """Return the place on a front that costs `cost`; None below its cheapest point and above its dearest."""
    for point in front:
        if point.cost == cost:
            return Between(point, point, 0.0)
    for cheaper, dearer in pairwise(front):
        if cheaper.cost < cost < dearer.cost:
            return Between(cheaper, dearer, (cost - cheaper.cost) / (dearer.cost - cheaper.cost))
    return None
