"""The file of results: what was written is read again, and nothing else is read."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench.schema_page import DOCS, documented, first_cells

from tokred.bench import Results, read_results, validate, write_results
from tokred.errors import OutputError, SpecError
from tokred.registry import default_registry


def test_every_field_is_documented_and_nothing_else() -> None:
    assert first_cells("Fields") == list(documented(Results))


def test_every_metric_is_documented_and_nothing_else() -> None:
    assert first_cells("Metrics") == [registered.component.name for registered in default_registry().own("metric")]


@pytest.mark.parametrize(
    "file", sorted((DOCS / "results").rglob("results.json")), ids=lambda path: "-".join(path.parts[-4:-1])
)
def test_files_in_the_docs_are_of_the_schema(file: Path) -> None:
    assert read_results(file).rows


def test_a_file_of_schema_2_is_read_with_todays_words(results: Results, tmp_path: Path) -> None:
    write_results(results, tmp_path / "results.json")
    text = (tmp_path / "results.json").read_text()
    for new, old in {
        '"schema": 3': '"schema": 2',
        "baseline": "rival",
        "samples_per_second": "images_per_second",
    }.items():
        assert new in text
        text = text.replace(new, old)
    data = json.loads(text)
    for name in ("failed", "pending"):
        del data[name]
    for entry, names in (
        (data["dense"], ("peak_bytes",)),
        *((r, ("seconds", "peak_bytes", "identical")) for r in data["rows"]),
    ):
        for name in names:
            del entry[name]
    found = validate(data)
    assert dataclasses.replace(found, rows=()) == dataclasses.replace(results, rows=())
    for old, new in zip(found.rows, results.rows, strict=True):
        assert dataclasses.replace(old, seconds=new.seconds) == new
        assert old.seconds == pytest.approx(new.seconds)


@pytest.mark.parametrize("which", ["results", "classifier_results"])
def test_a_file_is_read_as_it_was_written(request: pytest.FixtureRequest, tmp_path: Path, which: str) -> None:
    results, path = request.getfixturevalue(which), tmp_path / "results.json"
    write_results(results, path)
    assert read_results(path) == results
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_holds_the_values_under_their_names(results: Results, tmp_path: Path) -> None:
    write_results(results, tmp_path / "results.json")
    data = json.loads((tmp_path / "results.json").read_text())
    assert data["schema"] == 3
    assert data["settings"]["seeds"] == list(range(5, 14))
    assert data["versions"]["tokred"] == "0.1.0"
    assert data["device"]["type"] == "cpu"
    assert data["left_out"] == []
    row = data["rows"][3]
    assert row["params"] == {"ratio": 0.5}
    assert row["scores"]["psnr"]["values"] == list(results.rows[3].scores["psnr"].values)


def test_only_lists_of_numbers_are_put_on_one_line(results: Results, tmp_path: Path) -> None:
    command = "tokred bench --out 'a[ 1,  2 ]'"
    settings = dataclasses.replace(results.settings, command=command)
    rows = (dataclasses.replace(results.rows[0], params={"stride": [2, 4], "sites": ["attn", "mlp"]}),)
    write_results(dataclasses.replace(results, settings=settings, rows=rows), tmp_path / "results.json")
    text = (tmp_path / "results.json").read_text()
    assert '"seeds": [5, 6, 7, 8, 9, 10, 11, 12, 13]' in text
    assert '"stride": [2, 4]' in text
    data = json.loads(text)
    assert data["settings"]["command"] == command
    assert data["rows"][0]["params"]["sites"] == ["attn", "mlp"]


def rows_0(**changes: Any) -> Callable[[Any], None]:
    return lambda data: data["rows"][0].update(changes)


def score(**changes: Any) -> Callable[[Any], None]:
    return lambda data: data["rows"][0]["scores"]["psnr"].update(changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.update(schema=1), r"results\.schema must be one of 3, not 1"),
        (lambda data: data.pop("date"), r"results must have exactly the fields .*Missing: date; more: none"),
        (lambda data: data.update(extra=1), r"results must have .*Missing: none; more: extra"),
        (lambda data: data.update(rows={}), r"results\.rows must be a list, not \{\}"),
        (lambda data: data.update(device="cpu"), r"results\.device must be an object, not 'cpu'"),
        (lambda data: data["dense"].update(flops=1.5), r"results\.dense\.flops must be an integer, not 1\.5"),
        (lambda data: data["dense"].update(scores=[]), r"results\.dense\.scores must be an object, not \[\]"),
        (lambda data: data["settings"].update(steps=0), r"results\.settings: steps=0 must be an integer of at least 1"),
        (lambda data: data.update(left_out=[{"label": "a"}]), r"left_out\[0\] must have .*Missing: why"),
        (rows_0(kind="other"), r"rows\[0\]\.kind must be one of 'method', 'baseline', not 'other'"),
        (rows_0(compute=float("nan")), r"rows\[0\]\.compute must be a finite number, not nan"),
        (rows_0(compute=True), r"rows\[0\]\.compute must be a finite number, not True"),
        (rows_0(samples_per_second=None), r"rows\[0\]\.samples_per_second must be a finite number, not None"),
        (rows_0(label=None), r"rows\[0\]\.label must be a string, not None"),
        (rows_0(params=[]), r"rows\[0\]\.params must be an object, not \[\]"),
        (rows_0(time_ratio={"median": 3, "min": 1, "max": 2}), r"median=3\.0 must not be above max=2\.0"),
        (rows_0(scores={"psnr": 1}), r"rows\[0\]\.scores\.psnr must be an object, not 1"),
        (score(mean="high"), r"rows\[0\]\.scores\.psnr\.mean must be a finite number, not 'high'"),
        (score(low=2, high=1), r"scores\.psnr: low=2\.0 must not be above high=1\.0"),
        (score(values=[1]), r"results: psnr of 'dito .*' has 1 values for 9 samples"),
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
    with pytest.raises(SpecError, match=r"results\.json is not valid JSON"):
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
