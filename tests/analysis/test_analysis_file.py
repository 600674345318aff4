"""The file of an analysis: written and read back, and refused where it is not of the schema."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tokred import OutputError, SpecError
from tokred.analysis import Analysis, read_analysis
from tokred.analysis.analysis_file import write_analysis


def test_file_gives_the_analysis_back(analysis: Analysis, tmp_path: Path) -> None:
    write_analysis(analysis, tmp_path / "analysis.json")
    assert read_analysis(tmp_path / "analysis.json") == analysis
    assert [path.name for path in tmp_path.iterdir()] == ["analysis.json"]


def test_a_file_of_schema_1_is_read(analysis: Analysis, tmp_path: Path) -> None:
    data = json.loads(json.dumps(dataclasses.asdict(analysis)))
    (tmp_path / "analysis.json").write_text(json.dumps(data | data.pop("watched") | {"schema": 1}))
    assert read_analysis(tmp_path / "analysis.json") == analysis


def curve(data: Any) -> Any:
    return data["curves"]["outputs_pearson"][1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("device"), r"analysis must have exactly the fields .* Missing: device"),
        (lambda data: data.update(schema=3), r"analysis\.schema must be one of 2, not 3"),
        (lambda data: data["settings"].update(steps=3), r"analysis\.settings: steps=3 are too few"),
        (lambda data: data["settings"].update(samples=2), r"analysis\.settings: seeds has 3 entries, and samples=2"),
        (lambda data: data["curves"].pop("inputs_rank"), r"analysis: curves must be outputs_pearson, .* in that order"),
        (lambda data: data["contrasts"].clear(), r"analysis: contrasts must be .* not none"),
        (
            lambda data: data["curves"]["inputs_rank"].pop(),
            r"curves\.inputs_rank must have an entry for each of the lags",
        ),
        (lambda data: curve(data)["cells"].pop(), r"A curve of lag 1 must have \d+ sites and 11 steps"),
        (lambda data: curve(data)["cells"][0].pop(), r"A curve of lag 1 must have \d+ sites and 11 steps"),
        (
            lambda data: curve(data)["by_step"]["low"].pop(),
            r"by_step: mean, low and high must have as many entries each",
        ),
        (lambda data: curve(data)["score"].update(low=9), r"score: low=9\.0 must not be above"),
        (lambda data: curve(data)["score"]["values"].pop(), r"outputs_pearson has 2 values for 3 generations"),
        (lambda data: data["penalties"].pop(), r"penalties must have an entry for each of the weights \(0\.0, 0\.05\)"),
        (lambda data: data["failures"].update(compute=float("nan")), r"failures\.compute must be a finite number"),
    ],
)
def test_what_is_not_of_the_schema_is_refused(
    analysis: Analysis, tmp_path: Path, change: Callable[[Any], Any], message: str
) -> None:
    data = json.loads(json.dumps(dataclasses.asdict(analysis)))
    change(data)
    (tmp_path / "analysis.json").write_text(json.dumps(data))
    with pytest.raises(SpecError, match=message):
        read_analysis(tmp_path / "analysis.json")


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "analysis.json").write_text("{")
    with pytest.raises(SpecError, match=r"is not valid JSON: .* that `tokred analyze` wrote"):
        read_analysis(tmp_path / "analysis.json")


def test_what_cannot_be_written_is_said(analysis: Analysis, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_analysis(analysis, tmp_path / "nowhere" / "analysis.json")
