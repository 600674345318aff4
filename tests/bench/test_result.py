"""The file of results: what was written is read again, and nothing else is read."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from tokred.bench import Results, read_results, validate, write_results
from tokred.bench.result import Score, TimeRatio
from tokred.errors import OutputError, SpecError

DOCS = Path(__file__).parents[2] / "docs" / "results-schema.md"


def documented(hint: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every field below the dataclass `hint`, as the docs write it."""
    for name, field in get_type_hints(hint).items():
        item = next((arg for arg in get_args(field) if arg is not Ellipsis), None) if "tuple" in str(field) else None
        below = path + name + ("[]" if item else "")
        inner = item or field
        yield from documented(inner, f"{below}.") if dataclasses.is_dataclass(inner) else [below]


def test_every_field_is_documented_and_nothing_else() -> None:
    assert re.findall(r"^\| `([^`]+)` \|", DOCS.read_text(), re.MULTILINE) == list(documented(Results))


def test_a_file_is_read_as_it_was_written(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(results, path)
    assert read_results(path) == results
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_holds_the_values_under_their_names(results: Results, tmp_path: Path) -> None:
    write_results(results, tmp_path / "results.json")
    data = json.loads((tmp_path / "results.json").read_text())
    assert data["schema"] == 1
    assert data["settings"]["seeds"] == list(range(5, 14))
    assert data["versions"]["tokred"] == "0.1.0"
    assert data["device"]["type"] == "cpu"
    row = data["rows"][3]
    assert row["params"] == {"ratio": 0.5}
    assert row["psnr"]["values"] == list(results.rows[3].psnr.values)


def rows_0(**changes: Any) -> Callable[[Any], None]:
    return lambda data: data["rows"][0].update(changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.update(schema=2), r"results\.schema must be one of 1, not 2"),
        (lambda data: data.pop("date"), r"results must have exactly the fields .*Missing: date; more: none"),
        (lambda data: data.update(extra=1), r"results must have .*Missing: none; more: extra"),
        (lambda data: data.update(rows={}), r"results\.rows must be a list, not \{\}"),
        (lambda data: data.update(device="cpu"), r"results\.device must be an object, not 'cpu'"),
        (lambda data: data["dense"].update(flops=1.5), r"results\.dense\.flops must be an integer, not 1\.5"),
        (lambda data: data["settings"].update(steps=0), r"results\.settings: steps=0 must be an integer of at least 1"),
        (rows_0(kind="other"), r"rows\[0\]\.kind must be one of 'method', 'rival', not 'other'"),
        (rows_0(compute=float("nan")), r"rows\[0\]\.compute must be a finite number, not nan"),
        (rows_0(compute=True), r"rows\[0\]\.compute must be a finite number, not True"),
        (rows_0(label=None), r"rows\[0\]\.label must be a string, not None"),
        (rows_0(params=[]), r"rows\[0\]\.params must be an object, not \[\]"),
        (rows_0(psnr={"mean": 1, "low": 2, "high": 1, "values": []}), r"psnr: low=2\.0 must not be above high=1\.0"),
        (rows_0(time_ratio={"median": 3, "min": 1, "max": 2}), r"median=3\.0 must not be above max=2\.0"),
        (rows_0(ssim={"mean": 1, "low": 1, "high": 1, "values": [1]}), r"ssim of 'dito .*' has 1 values for 9 samples"),
    ],
)
def test_what_is_not_of_the_schema_is_refused(results: Results, change: Callable[[Any], Any], message: str) -> None:
    data = json.loads(json.dumps(dataclasses.asdict(results)))
    assert validate(copy.deepcopy(data)) == results
    change(data)
    with pytest.raises(SpecError, match=message):
        validate(data)


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(SpecError, match=r"results\.json is no JSON"):
        read_results(tmp_path / "results.json")


def test_nan_is_never_written(results: Results, tmp_path: Path) -> None:
    rows = (dataclasses.replace(results.rows[0], compute=float("nan")),)
    with pytest.raises(ValueError, match="Out of range float"):
        write_results(dataclasses.replace(results, rows=rows), tmp_path / "results.json")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_said(results: Results, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        write_results(results, tmp_path / "file" / "results.json")


def test_summaries() -> None:
    score = Score.of([1.0, 2.0, 6.0])
    assert (score.mean, score.values) == (3, (1, 2, 6))
    assert 1 <= score.low < 3 < score.high <= 6
    assert TimeRatio.of([0.5, 0.9, 0.6]) == TimeRatio(0.6, 0.5, 0.9)
