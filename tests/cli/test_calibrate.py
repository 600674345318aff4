"""`tokred calibrate`: the schedule that it writes, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tokred as package
from tokred.analysis.calibration import calibrate
from tokred.bench import load_subject
from tokred.zoo import catalog, load_model
from tokred.zoo.catalog import find_model

Tokred = Callable[..., Any]
STEPS = ("--steps", 8)


@pytest.fixture
def command(tokred: Tokred, models: Path, monkeypatch: pytest.MonkeyPatch) -> Tokred:
    monkeypatch.setattr(catalog, "MODELS", models)
    return lambda *arguments: tokred("calibrate", *arguments)


@pytest.mark.parametrize("model", ["tiny-dit", "tiny-flux"])
def test_schedule_is_written_and_can_be_applied(command: Tokred, tmp_path: Path, model: str) -> None:
    out = tmp_path / "schedule.json"
    done = command("--model", model, "--out", out, "--samples", 2, "--threshold", 0.05, *STEPS)
    assert done.exit_code == 0, done.output
    written = json.loads(out.read_text())
    assert (written["model"], written["steps"], written["samples"], written["ratio"]) == (model, 8, 2, 0.5)
    matches = [round(share * 8) for share in written["matches"]]
    assert f"match at steps {', '.join(map(str, matches))}" in done.output
    zoo, pipe = find_model(model), load_model(model)
    with package.apply(pipe, "dito", ratio=0.5, schedule=str(out)) as run:
        zoo.generate(pipe, [0], 8)
        assert [match.step for match in run.report().matches] == matches


def test_lower_thresholds_match_less_often(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "MODELS", models)
    subject = load_subject("tiny-dit")
    counts = [len(calibrate(subject, threshold=t, steps=8, samples=1).matches) for t in (0.999, 0.2, 0.001)]
    assert counts[0] == 4
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threshold", 1.0], "threshold=1.0 must be in (0, 1)"),
        (["--ratio", 0.8], "ratio=0.8 must be in (0, 0.75]"),
        (["--samples", 0], "samples=0 must be an integer of at least 1"),
        (["--samples", 10**9], "samples=1000000000 is too many: their seeds and values alone take about 186.3 GB"),
        (["--longest", 1], "longest=1 must be an integer of at least 2"),
        (["--dense-first", 0], "dense_first=0 must be an integer of at least 1"),
        (["--steps", 0], "steps=0 must be an integer of at least 1"),
        (["--device", "tpu"], "device='tpu' is not known"),
    ],
)
def test_numbers_are_checked(command: Tokred, tmp_path: Path, arguments: list[Any], message: str) -> None:
    done = command("--model", "tiny-dit", "--out", tmp_path / "schedule.json", *arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())
    assert not list(tmp_path.iterdir())


def test_classifier_and_missing_folder_are_refused(command: Tokred, tmp_path: Path) -> None:
    done = command("--model", "tiny-vit", "--out", tmp_path / "schedule.json")
    assert (done.exit_code, "'tiny-vit' does not draw" in done.output) == (2, True)
    done = command("--model", "tiny-dit", "--out", tmp_path / "nowhere" / "schedule.json")
    assert (done.exit_code, "there is no folder" in done.output) == (2, True)


def test_schedule_beside_a_guided_interval_is_refused(tmp_path: Path) -> None:
    with pytest.raises(package.SpecError, match="both set the Matching steps"):
        package.apply(object(), "dito", schedule=str(tmp_path / "schedule.json"), pmr=0.5)
