"""Comparisons as text, for the terminal and for pages."""

from __future__ import annotations

from dataclasses import dataclass

from tokred.bench.comparison import Against, AtCost, Comparisons, Missing, Twin
from tokred.metrics import Metric, Paired


@dataclass(frozen=True)
class TextTable:
    """A table, still without lines.

    Attributes:
        title: what it shows.
        head: names of its columns; the second one says in words what a run is compared with.
        rows: its cells, row by row.
        missing: what it cannot show, in a sentence for each reason.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    missing: tuple[str, ...]


def gain_tables(against: Against, metric: Metric) -> list[TextTable]:
    """Return what was compared with one reference: the twins, where there may be any, and the runs at equal cost."""
    difference = (f"difference, {metric.head}", "p", "won/tied/lost")
    twins = TextTable(
        f"Against the twin in {against.reference}",
        ("run", "twin", "compute", "time", *difference),
        tuple(_twin_cells(twin, metric) for twin in against.twins),
        _reasons([each for each in against.missing if each.at == "twin"]),
    )
    curves = TextTable(
        f"Against {against.reference} at equal compute and at equal time",
        ("run", "reference there", "equal", *difference),
        tuple(_curve_cells(curve, metric) for curve in against.curves),
        _reasons([each for each in against.missing if each.at != "twin"]),
    )
    return [table for table in (twins, curves) if table.rows or table.missing]


def note(comparisons: Comparisons, metric: Metric) -> str:
    """Say what the numbers are."""
    made = sum(len(against.twins) + len(against.curves) for against in comparisons.against)
    return (
        f"Difference: run minus reference, sample by sample; {'above' if metric.higher else 'below'} 0 the run is "
        "better. In brackets the 95 % bootstrap interval of its mean. p: Wilcoxon's signed-rank test, two-sided, not "
        f"corrected for the number of comparisons, {made} here."
    )


def _twin_cells(twin: Twin, metric: Metric) -> tuple[str, ...]:
    other = f"{twin.twin} (compute {twin.twin_compute:.3f}, time {twin.twin_time:.3f})"
    return (twin.label, other, f"{twin.compute:.3f}", f"{twin.time:.3f}", *_difference_cells(twin.difference, metric))


def _curve_cells(curve: AtCost, metric: Metric) -> tuple[str, ...]:
    equal = f"{curve.axis} {curve.cost:.3f}"
    return (curve.label, _mixture(curve), equal, *_difference_cells(curve.difference, metric))


def _mixture(curve: AtCost) -> str:
    """Write the place on the reference's front, such as "30 % A (0.700) + 70 % B (0.800)"."""
    if curve.cheaper == curve.dearer:
        return f"{curve.cheaper.label} ({curve.cheaper.cost:.3f})"
    shares = (1 - curve.weight, curve.cheaper), (curve.weight, curve.dearer)
    return " + ".join(f"{100 * share:.0f} % {knot.label} ({knot.cost:.3f})" for share, knot in shares)


def _difference_cells(difference: Paired, metric: Metric) -> tuple[str, ...]:
    mean, low, high = (f"{x:+.{metric.digits + 1}f}" for x in (difference.mean, difference.low, difference.high))
    p = "< 0.0001" if difference.p < 0.0001 else f"{difference.p:.2g}"
    return f"{mean} ({low} to {high})", p, f"{difference.wins}/{difference.ties}/{difference.losses}"


def _reasons(missing: list[Missing]) -> tuple[str, ...]:
    """Write each reason once, with all runs that it holds for."""
    why = dict.fromkeys(each.why for each in missing)
    return tuple(f"{', '.join(_run(each) for each in missing if each.why == reason)}: {reason}." for reason in why)


def _run(missing: Missing) -> str:
    return missing.label if missing.cost is None else f"{missing.label} ({missing.cost:.3f})"
