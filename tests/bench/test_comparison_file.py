"""The file of comparisons: what was written is read again, and nothing else is read."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench.made import made_results, made_row
from bench.schema_page import documented, first_cells

from tokred.bench import Comparisons, Metric, compare_runs, parse_references, read_comparisons, write_comparisons
from tokred.errors import OutputError, SpecError


@pytest.fixture
def comparisons(metrics: dict[str, Metric]) -> Comparisons:
    """Something of each kind: two twins, curves, and what cannot be compared."""
    results = made_results(
        made_row("a", {"ratio": 0.5}, 0.5, 0.8, (12, 20, 33)),
        made_row("a", {"ratio": 0.25}, 0.6, 0.8, (12, 20, 33)),
        made_row("a", {"ratio": 0.5, "signal": "input"}, 0.5, 0.7, (10, 20, 30)),
        made_row("a", {"ratio": 0.25, "signal": "input"}, 0.7, 0.9, (10, 20, 31)),
        made_row("b", {}, 0.9, 0.9, (10, 20, 30)),
    )
    return compare_runs(results, parse_references(["a:signal=input", "b"]), metrics["psnr"])


@pytest.fixture
def path(comparisons: Comparisons, tmp_path: Path) -> Path:
    write_comparisons(comparisons, tmp_path / "comparisons.json")
    return tmp_path / "comparisons.json"


def test_every_field_is_documented_and_nothing_else() -> None:
    assert first_cells("The comparisons file") == list(documented(Comparisons))


def test_a_file_is_read_as_it_was_written(comparisons: Comparisons, path: Path) -> None:
    (first, _) = comparisons.against
    assert all((first.twins, first.curves, first.missing))
    assert read_comparisons(path) == comparisons
    assert list(path.parent.iterdir()) == [path]


def first(kind: str, **changes: Any) -> Callable[[Any], None]:
    return lambda data: data["against"][0][kind][0].update(changes)


def difference(**changes: Any) -> Callable[[Any], None]:
    return lambda data: data["against"][0]["twins"][0]["difference"].update(changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.update(schema=2), r"comparisons\.schema must be one of 1, not 2"),
        (lambda data: data.pop("metric"), r"comparisons must have exactly the fields .*Missing: metric; more: none"),
        (lambda data: data.update(extra=1), r"Missing: none; more: extra"),
        (lambda data: data["against"][0].pop("twins"), r"against\[0\] must have .*Missing: twins"),
        (first("twins", time=None), r"against\[0\]\.twins\[0\]\.time must be a finite number, not None"),
        (first("curves", axis="twin"), r"curves\[0\]\.axis must be one of 'compute', 'time', not 'twin'"),
        (first("curves", weight=1.1), r"weight=1\.1 in \[0, 1\]: nothing is extrapolated"),
        (first("curves", cost=0.1), r"curves\[0\]: cost=0\.1 must be from 0\.5 to 0\.5"),
        (first("missing", at="cost"), r"missing\[0\]\.at must be one of 'twin', 'compute', 'time', not 'cost'"),
        (first("missing", cost="much"), r"missing\[0\]\.cost must be a finite number, not 'much'"),
        (difference(p=2), r"twins\[0\]\.difference: p=2\.0 must be in \[0, 1\]"),
        (difference(wins=9), r"difference: wins, ties and losses \(9, 1, 0\) must be 0 or more, and 3 together"),
    ],
)
def test_what_is_not_of_the_schema_is_refused(
    comparisons: Comparisons, path: Path, change: Callable[[Any], None], message: str
) -> None:
    data = copy.deepcopy(json.loads(path.read_text()))
    change(data)
    path.write_text(json.dumps(data))
    with pytest.raises(SpecError, match=message):
        read_comparisons(path)


def test_what_is_no_file_is_refused(path: Path) -> None:
    path.write_text("{")
    with pytest.raises(SpecError, match=r"is not valid JSON: .* Name a comparisons\.json that `tokred compare` wrote"):
        read_comparisons(path)
    with pytest.raises(SpecError, match=r"none\.json cannot be read: .* Name a comparisons\.json"):
        read_comparisons(path.with_name("none.json"))


def test_a_file_that_cannot_be_written_is_an_output_error(comparisons: Comparisons, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_comparisons(comparisons, tmp_path / "none" / "comparisons.json")


def test_numbers_that_are_not_finite_are_not_written(comparisons: Comparisons, tmp_path: Path) -> None:
    (against, *_) = comparisons.against
    twin = dataclasses.replace(against.twins[0], time=float("inf"))
    broken = dataclasses.replace(comparisons, against=(dataclasses.replace(against, twins=(twin,)),))
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_comparisons(broken, tmp_path / "comparisons.json")
    assert list(tmp_path.iterdir()) == []
