"""`tokred tune`: what it writes, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench.tiny import CLASSES

from tokred import apply, read_method
from tokred.bench import load_subject
from tokred.bench.drawing import DrawingSubject
from tokred.bench.result_file import read_results
from tokred.tuning.tune import FINALISTS
from tokred.zoo.spread import asked

Tokred = Callable[..., Any]
SMALL = ("--model", "tiny-dit", "--steps", 6, "--candidates", 12, "--tuning-samples", 2, "--samples", 2, "--pairs", 1)


def test_the_method_that_it_writes_is_one_that_it_measured(tokred: Tokred, tmp_path: Path) -> None:
    out = tmp_path / "tuned"
    done = tokred("tune", *SMALL, "--psnr", 1, "--out", out)
    assert done.exit_code == 0, done.output
    results = read_results(out / "results.json")
    assert results.settings.seeds == (0, 1)
    assert results.settings.command.startswith("tokred tune --model tiny-dit --psnr 1.0 --steps 6")
    assert {row.method for row in results.rows} <= {"delta", "step_cache"}
    cheapest = min(results.rows, key=lambda row: row.time_ratio.median)
    assert f"PSNR at least 1 dB: {cheapest.label}" in " ".join(done.output.split())
    program = json.loads((out / "method.json").read_text())["scheduler"]["params"]["text"]
    assert program == cheapest.params["program"]
    subject = load_subject("tiny-dit")
    with apply(subject.model, read_method(out / "method.json")) as run:
        subject.generate([0], 6)
        assert run.report().compute == pytest.approx(cheapest.site_compute)


def test_how_much_it_would_draw_is_said_beforehand(
    tokred: Tokred, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    generate = DrawingSubject.generate

    def counted(self: DrawingSubject, seeds: Any, steps: int) -> Any:
        drawn.append(len(seeds))
        return generate(self, seeds, steps)

    monkeypatch.setattr(DrawingSubject, "generate", counted)
    small = (*SMALL[:-6], "--tuning-samples", 4, "--samples", 2, "--pairs", 1, "--psnr", 1, "--out", tmp_path / "tuned")
    done = tokred("tune", *small, "--dry-run")
    assert done.exit_code == 0, done.output
    assert (drawn, list(tmp_path.iterdir())) == ([1], [])
    search, benchmark = map(int, re.search(r"At most (\d+) samples to search, and (\d+)", done.output).groups())
    drawn.clear()
    assert tokred("tune", *small).exit_code == 0
    rows = len(read_results(tmp_path / "tuned" / "results.json").rows)
    fewer = (FINALISTS - rows) * 11
    assert 0.8 * (search + benchmark - fewer) < sum(drawn) <= search + benchmark - fewer


def test_where_nothing_reaches_it_the_nearest_is_written_and_the_miss_is_said(tokred: Tokred, tmp_path: Path) -> None:
    done = tokred("tune", *SMALL, "--psnr", 99.9, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    rows = [row for row in read_results(tmp_path / "results.json").rows if row.reduced]
    best = max(rows, key=lambda row: row.scores["psnr"].mean)
    value = best.scores["psnr"].mean
    said = " ".join(done.output.split())
    assert "Nothing found has PSNR at least 99.9 dB." in said
    assert f"The nearest has {value:.1f} dB, {99.9 - value:.1f} dB less. Nearest: {best.label}" in said
    assert json.loads((tmp_path / "method.json").read_text())["scheduler"]["params"]["text"] == best.params["program"]


def test_a_pipeline_of_ones_own_is_tuned_as_the_same_one_of_the_zoo(tokred: Tokred, tmp_path: Path) -> None:
    subject = load_subject("tiny-dit")
    subject.model.save_pretrained(tmp_path / "pipe")
    (tmp_path / "prompts.txt").write_text("\n".join(asked(CLASSES, range(len(CLASSES)))))
    own = ("--model", tmp_path / "pipe", "--prompts", tmp_path / "prompts.txt", "--call", "guidance_scale=1.0")
    more = (*SMALL[2:], "--time", 0.6, "--batch", 8)
    done = tokred("tune", *own, *more, "--out", tmp_path / "own")
    assert done.exit_code == 0, done.output
    assert tokred("tune", *SMALL, "--time", 0.6, "--out", tmp_path / "zoo").exit_code == 0
    mine, theirs = (read_results(tmp_path / name / "results.json").rows for name in ("own", "zoo"))
    assert [(row.label, row.scores) for row in mine] == [(row.label, row.scores) for row in theirs]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Say either how much time"),
        (["--time", 1.5], "time=1.5 must be above 0 and below 1"),
        (["--time", 0.5, "--seed", 5001], "seed=5001: samples 5001 to 5001 are tuned on"),
        (["--time", 0.5, "--candidates", 0], "candidates=0"),
        (["--time", 0.5, "--tuning-samples", 10**9], "tuning-samples=1000000000 is too many"),
        (["--time", 0.5, "--model", "tiny-vit"], "'tiny-vit' does not draw"),
        (["--time", 0.5, "--steps", 0], "steps=0 must be"),
    ],
)
def test_bad_input_is_refused(tokred: Tokred, tmp_path: Path, arguments: list[Any], message: str) -> None:
    done = tokred("tune", *SMALL, "--out", tmp_path / "none", *arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
    assert not (tmp_path / "none").exists()
