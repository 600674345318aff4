"""Runs against a reference: cases by hand, and small models against a brute-force search."""

from __future__ import annotations

import dataclasses
import statistics

import pytest
from bench.made import made_results, made_row

from tokred.bench import Metric, Results, compare_runs, parse_references
from tokred.bench.comparison import Against, AtCost, Knot, Missing
from tokred.bench.measures import known_metric
from tokred.bench.result import Row
from tokred.errors import SpecError, UnknownName
from tokred.metrics import Paired

PSNR, TOP1 = known_metric("psnr"), known_metric("top1")
LOWER = dataclasses.replace(PSNR, higher=False)


def against(results: Results, text: str, metric: Metric = PSNR) -> Against:
    (found,) = compare_runs(results, parse_references([text]), metric).against
    assert found.reference == text
    return found


def curves(found: Against) -> dict[tuple[str, str], AtCost]:
    return {(curve.label, curve.axis): curve for curve in found.curves}


def missing(found: Against) -> dict[tuple[str, str], Missing]:
    return {(each.label, each.at): each for each in found.missing}


THREE = made_results(
    made_row("a", {"ratio": 0.5}, 0.5, 0.9, (10, 20, 30, 40)),
    made_row("a", {"ratio": 0.25}, 0.7, 1.1, (20, 20, 40, 60)),
    made_row("b", {}, 0.6, 0.95, (18, 20, 30, 55)),
)


def test_equal_compute_by_hand() -> None:
    # halfway from (10, 20, 30, 40) to (20, 20, 40, 60) is (15, 20, 35, 50): differences 3, 0, -5, 5
    curve = curves(against(THREE, "a"))["b", "compute"]
    assert (curve.cost, curve.weight) == (0.6, pytest.approx(0.5))
    assert curve.cheaper == Knot("a ratio=0.5", 0.5, 25)
    assert curve.dearer == Knot("a ratio=0.25", 0.7, 35)
    difference = curve.difference
    assert difference.mean == pytest.approx(0.75)
    assert (difference.samples, difference.wins, difference.ties, difference.losses) == (4, 2, 1, 1)


def test_equal_time_by_hand() -> None:
    # a quarter of the way, (12.5, 20, 32.5, 45): differences 5.5, 0, -2.5, 10, ranks 2, 1, 3:
    # 4 of the 8 choices of signs have sums that are as far apart as 1 and 5
    curve = curves(against(THREE, "a"))["b", "time"]
    assert (curve.cost, curve.weight) == (0.95, pytest.approx(0.25))
    assert curve.difference.mean == pytest.approx(3.25)
    assert curve.difference.p == 0.5


def test_where_lower_is_better_the_front_and_the_wins_turn_around() -> None:
    found = against(THREE, "a", LOWER)  # its cheap run is the better one now, and its dear one off the front
    assert found.curves == ()
    assert "no run of a is better for costing that much, see a ratio=0.5" in missing(found)["b", "time"].why
    twins = against(made_results(*TWINS), "a:signal=input", LOWER).twins
    assert [twin.difference.wins for twin in twins] == [1]


TWINS = (
    made_row("a", {"ratio": 0.5, "interval": 3}, 0.5, 0.8, (12, 20, 33, 40)),
    made_row("a", {"ratio": 0.5, "interval": 3, "signal": "input"}, 0.5, 0.7, (10, 20, 30, 41)),
)


def test_a_twin_by_hand() -> None:
    found = against(made_results(*TWINS), "a:signal=input")
    (twin,) = found.twins
    assert (twin.label, twin.twin) == ("a ratio=0.5 interval=3", "a ratio=0.5 interval=3 signal=input")
    assert (twin.compute, twin.twin_compute, twin.time, twin.twin_time) == (0.5, 0.5, 0.8, 0.7)
    assert twin.difference == Paired.of((12, 20, 33, 40), (10, 20, 30, 41))  # differences 2, 0, 3, -1
    assert (twin.difference.mean, twin.difference.wins, twin.difference.ties, twin.difference.losses) == (1, 2, 1, 1)


def test_a_reference_with_one_run_is_met_at_its_own_cost_alone() -> None:
    found = against(made_results(*TWINS), "a:signal=input")
    (curve,) = found.curves
    assert (curve.axis, curve.cheaper, curve.weight) == ("compute", curve.dearer, 0)
    assert curve.difference == found.twins[0].difference
    assert "no run of a:signal=input is better for costing that much" in found.missing[0].why


def test_a_run_without_a_twin_is_named() -> None:
    lone = made_row("a", {"ratio": 0.75, "interval": 3}, 0.5, 0.7, (1, 2, 3, 4))
    other = made_row("b", {"ratio": 0.5, "interval": 3}, 0.5, 0.7, (1, 2, 3, 4))
    found = against(made_results(*TWINS, lone, other), "a:signal=input")
    assert [twin.label for twin in found.twins] == [TWINS[0].label]
    assert [each for each in found.missing if each.at == "twin"] == [
        Missing(lone.label, "twin", None, "no run of a:signal=input has its other parameters")
    ]


def test_outside_the_front_there_is_no_comparison() -> None:
    cheap, dear = (made_row("b", {"at": cost}, cost, 2 * cost, (1, 2, 3, 4)) for cost in (0.4, 0.71))
    found = against(made_results(*THREE.rows[:2], cheap, dear), "a")
    assert found.curves == ()
    assert missing(found) == {
        ("b at=0.4", "compute"): Missing(
            "b at=0.4", "compute", 0.4, "no run of a is that cheap, see a ratio=0.5 at compute 0.500"
        ),
        ("b at=0.4", "time"): Missing(
            "b at=0.4", "time", 0.8, "no run of a is that cheap, see a ratio=0.5 at time 0.900"
        ),
        ("b at=0.71", "compute"): Missing(
            "b at=0.71",
            "compute",
            0.71,
            "no run of a is better for costing that much, see a ratio=0.25 at compute 0.700",
        ),
        ("b at=0.71", "time"): Missing(
            "b at=0.71", "time", 1.42, "no run of a is better for costing that much, see a ratio=0.25 at time 1.100"
        ),
    }


def test_a_dominated_run_of_the_reference_has_no_say() -> None:
    wasteful = made_row("a", {"ratio": 0.4}, 0.58, 0.94, (1, 2, 3, 4))
    assert against(made_results(*THREE.rows, wasteful), "a") == against(THREE, "a")


def test_dense_is_an_end_of_the_front_where_the_metric_is_absolute() -> None:
    rows = (
        made_row("a", {}, 0.5, 0.9, (0, 0, 1, 1), "top1"),
        made_row("b", {}, 0.75, 0.95, (1, 0, 1, 1), "top1"),
    )
    found = curves(against(made_results(*rows, dense=(1, 1, 1, 1)), "a", TOP1))
    for axis in ("compute", "time"):
        curve = found["b", axis]
        assert (curve.dearer, curve.weight) == (Knot("dense", 1, 1), pytest.approx(0.5))
        assert curve.difference.mean == pytest.approx(0)  # differences 0.5, -0.5, 0, 0
    assert curves(against(made_results(*rows), "a", TOP1)) == {}


def test_equal_values_tie_wherever_the_run_lies_between_two() -> None:
    ends = [made_row("a", {"n": n}, n / 7, n / 7, (31.7, 100.0, 0.1 * n)) for n in (1, 6)]
    rows = [made_row("b", {"n": n}, n / 7, n / 7, (31.7, 100.0, 0.0)) for n in (2, 3, 4, 5)]
    found = against(made_results(*ends, *rows), "a")
    assert [curve.difference.ties for curve in found.curves] == [2] * 8


def test_the_runs_of_a_benchmark_against_a_search_by_hand(results: Results, metrics: dict[str, Metric]) -> None:
    for name, metric in metrics.items():
        found = against(results, "dito", metric)
        assert found.twins == ()
        others = [row for row in results.rows if row.method != "dito"]
        assert len(found.curves) + len(found.missing) == 2 * len(others)
        for (label, axis), curve in curves(found).items():
            row = next(row for row in others if row.label == label)
            reference = interpolated(results, curve, name)
            difference = [x - y for x, y in zip(row.scores[name].values, reference, strict=True)]
            assert curve.difference.mean == pytest.approx(statistics.fmean(difference))
            assert curve.cost == (row.compute if axis == "compute" else row.time_ratio.median)
            better = [x > 0 if metric.higher else x < 0 for x in difference]
            assert curve.difference.wins == sum(better)


def interpolated(results: Results, curve: AtCost, metric: str) -> list[float]:
    """Work out the reference's values anew, from nothing but the two runs that a comparison names."""

    def cost(row: Row) -> float:
        return row.compute if curve.axis == "compute" else row.time_ratio.median

    cheaper, dearer = (
        next(row for row in results.rows if row.label == knot.label) for knot in (curve.cheaper, curve.dearer)
    )
    if cheaper is dearer:
        return list(cheaper.scores[metric].values)
    weight = (curve.cost - cost(cheaper)) / (cost(dearer) - cost(cheaper))
    pairs = zip(cheaper.scores[metric].values, dearer.scores[metric].values, strict=True)
    return [(1 - weight) * a + weight * b for a, b in pairs]


def test_each_reference_has_its_own_entry(results: Results, metrics: dict[str, Metric]) -> None:
    comparisons = compare_runs(results, parse_references(["dito", "step_cache"]), metrics["psnr"])
    assert (comparisons.model, comparisons.date, comparisons.metric) == (results.model, results.date, "psnr")
    assert [each.reference for each in comparisons.against] == ["dito", "step_cache"]


def test_refusals(results: Results) -> None:
    with pytest.raises(UnknownName, match=r"Unknown metric of these results: 'top1'\. Known: lpips, psnr"):
        compare_runs(results, parse_references(["dito"]), TOP1)
    with pytest.raises(UnknownName, match="Unknown reference 'random'"):
        compare_runs(results, parse_references(["random"]), PSNR)
    with pytest.raises(SpecError, match="none is left to compare with it"):
        compare_runs(made_results(*THREE.rows[:2]), parse_references(["a"]), PSNR)
