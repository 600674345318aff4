"""`tokred bench`: what it writes, and what it refuses."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from bench.tiny import CLASSIFIER, NAME, PICTURES, STEPS, WRONG

from tokred.bench import read_results, write_results
from tokred.bench.summary import advice
from tokred.zoo import catalog

FILES = ["pareto.png", "pareto.svg", "report.html", "results.json", "run.yaml", "strip.png"]
SMALL = ("--samples", 2, "--pairs", 1)


def test_everything_is_written_and_said(tokred: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    result = tokred(
        "bench", "--model", NAME, "--method", "tomesd:ratio=0.5", "--method", "fewer_steps", "--out", out, *SMALL
    )
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == FILES
    results = read_results(out / "results.json")
    labels = ["tomesd ratio=0.5", *(f"fewer_steps share={share}" for share in ("0.8", "0.667", "0.5"))]
    assert [row.label for row in results.rows] == labels
    assert results.settings.steps == STEPS
    words = result.stdout.split()
    for row in results.rows:
        assert {f"share={row.params['share']:.3g}"} <= set(words) if row.kind == "baseline" else "ratio=0.5" in words
        assert {f"{row.compute:.3f}", f"{row.scores['psnr'].mean:.1f}", f"{row.time_ratio.median:.2f}"} <= set(words)
    assert f"Written to {out}: report.html, results.json, pareto.png, pareto.svg, strip.png" in result.stdout
    assert result.stdout.splitlines()[-1] == advice(results)
    assert result.stderr == ""


def test_a_dry_run_says_what_would_run_and_touches_nothing(tokred: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ("bench", "--model", NAME, "--method", "tomesd:ratio=0.5", "--method", "fewer_steps:share=0.5", *SMALL)
    dry = tokred(*command, "--dry-run", "--out", out)
    assert (dry.exit_code, dry.stderr, out.exists()) == (0, "", False), dry.output
    assert "2 runs: 29 samples in 16 calls, 87 denoising steps" in dry.stdout  # 7 of them, in 4, are dense
    assert {"tomesd", "ratio=0.5", "share=0.5"} <= set(dry.stdout.split())
    assert re.search(r"About \d+ seconds? in one process", dry.stdout)
    ran = tokred(*command, "--out", out)
    assert "At the dense model's speed the other 12 generations take about " in " ".join(ran.stdout.split())
    before = {path: path.read_bytes() for path in out.iterdir()}
    refused = tokred(*command, "--dry-run", "--out", out)
    assert (refused.exit_code, "holds results of another run" in refused.stderr) == (2, True)
    assert "0 runs: 0 samples" in tokred(*command, "--dry-run", "--resume", "--out", out).stdout
    assert "2 runs: 29 samples" in tokred(*command, "--dry-run", "--overwrite", "--out", out).stdout
    assert tokred(*command, "--resume", "--out", out).exit_code == 0
    assert (out / "report.html").read_bytes() == before[out / "report.html"]
    other = tokred(*command, "--dry-run", "--resume", "--pairs", 2, "--out", out)
    assert (other.exit_code, "have pairs 1, and this run 2" in other.stderr) == (2, True)
    assert sorted(before) == sorted(out.iterdir())


def test_a_run_goes_on_where_it_was(tokred: Callable[..., Any], tmp_path: Path) -> None:
    command = ("bench", "--model", NAME, "--method", "tomesd:ratio=0.5", "--method", "fewer_steps", *SMALL)
    assert tokred(*command, "--out", tmp_path).exit_code == 0
    results = read_results(tmp_path / "results.json")
    write_results(
        dataclasses.replace(results, rows=results.rows[:2], pending=tuple(row.label for row in results.rows[2:])),
        tmp_path / "results.json",
    )
    again = tokred(*command, "--resume", "--out", tmp_path)
    assert (again.exit_code, again.stderr) == (0, "")
    resumed = read_results(tmp_path / "results.json")
    assert resumed.rows[:2] == results.rows[:2]
    assert [row.scores for row in resumed.rows] == [row.scores for row in results.rows]
    both = tokred(*command, "--resume", "--overwrite", "--out", tmp_path)
    assert (both.exit_code, "--overwrite removes them: give one" in both.stderr) == (2, True)


def test_a_classifier_is_compared_with_the_truth(tokred: Callable[..., Any], tmp_path: Path) -> None:
    result = tokred("bench", "--model", CLASSIFIER, "--pairs", 1, "--out", tmp_path)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == [name for name in FILES if name != "strip.png"]
    results = read_results(tmp_path / "results.json")
    assert (results.settings.steps, results.settings.samples) == (1, PICTURES)
    title, *left_out, head = result.stdout.split("FLOPs", 1)[0].splitlines()
    assert title == f"{CLASSIFIER}: 1 step, {PICTURES} samples, 1 timed pair"
    assert head.strip() == ""
    assert len(left_out) == len({each.why for each in results.left_out}) >= 3
    for each in results.left_out:
        (line,) = [line for line in left_out if line.endswith(f": {each.why}")]
        assert line.startswith("Left out: ")
        assert each.label.split()[0] in line
    table = result.stdout.split("top-1", 1)[1].splitlines()
    assert table[1].split()[:3] == ["dense", "1.000", "1.00"]
    assert table[1].split()[-1] == f"{1 - len(WRONG) / PICTURES:.3f}"
    for row in results.rows:
        assert {f"{row.scores['top1'].mean:.3f}", f"{row.samples_per_second:.1f}"} <= set(result.stdout.split())
    assert f"Written to {tmp_path}: report.html, results.json, pareto.png, pareto.svg\n" in result.stdout


def test_all_models_each_into_a_folder_of_its_own(tokred: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ("--method", "random:ratio=0.5", "--steps", 2, *SMALL)
    result = tokred("bench", "--model", "all", *options, "--out", out)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert sorted(path.name for path in out.iterdir()) == [NAME, CLASSIFIER]
    drawn, classified = (read_results(out / name / "results.json") for name in (NAME, CLASSIFIER))
    assert (drawn.settings.steps, classified.settings.steps) == (2, 1)
    for results, steps in ((drawn, 2), (classified, 1)):
        command = f"tokred bench --model {results.model} --method random:ratio=0.5 --steps {steps} --samples 2"
        assert results.settings.command == f"{command} --seed 0 --pairs 1 --device cpu --out {out / results.model}"
        assert f"Written to {out / results.model}: report.html" in result.stdout
    words = classified.settings.command.split()
    words[-1] = str(tmp_path / "again")
    assert tokred(*words[1:]).exit_code == 0
    assert read_results(tmp_path / "again" / "results.json").rows[0].scores == classified.rows[0].scores


def test_each_model_has_its_own_defaults(tokred: Callable[..., Any], tmp_path: Path) -> None:
    result = tokred("bench", "--model", "all", "--method", "random:ratio=0.5", "--pairs", 1, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    drawn, classified = (read_results(tmp_path / name / "results.json").settings for name in (NAME, CLASSIFIER))
    assert (drawn.steps, drawn.samples) == (STEPS, 16)
    assert (classified.steps, classified.samples) == (1, PICTURES)


def test_one_folder_that_cannot_be_made_stops_all_models(tokred: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / CLASSIFIER).write_text("precious")
    result = tokred("bench", "--model", "all", "--method", "random:ratio=0.5", "--out", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"--out {tmp_path / CLASSIFIER}: it is a file." in result.stderr
    assert not (tmp_path / NAME / "results.json").exists()


def test_the_command_that_is_recorded_gives_the_same_pictures(tokred: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "a b"
    tokred("bench", "--model", NAME, "--method", "random:ratio=0.5", "--seed", 3, "--steps", 2, "--out", out, *SMALL)
    first = read_results(out / "results.json")
    command = f"tokred bench --model {NAME} --method random:ratio=0.5 --steps 2 --samples 2 --seed 3 --pairs 1"
    assert first.settings.command == f"{command} --device cpu --out '{out}'"
    assert first.settings.seeds == (3, 4)
    refused = tokred(*command.split()[1:], "--out", out)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert f"--out {out} holds results of another run." in refused.stderr
    assert tokred(*command.split()[1:], "--overwrite", "--out", out).exit_code == 0
    assert read_results(out / "results.json").rows[0].scores == first.rows[0].scores


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--model": "tiny-dt"}, "Unknown zoo model 'tiny-dt'. Known: tiny-dit, tiny-vit. Did you mean 'tiny-dit'?"),
        ({"--method": "ditto"}, "Unknown method or baseline 'ditto'."),
        ({"--method": "dito:rate=0.5"}, "Unknown parameter of method 'dito': 'rate'."),
        ({"--method": "dito:ratio=1.2"}, "ratio=1.2 must be a number in [0, 1]"),
        ({"--method": "dito:ratio=0.8"}, "at most 0.75 of the tokens can be removed"),
        ({"--method": "dito:ratio=0.8,stride=2x2"}, "at most 0.75 of the tokens can be removed"),
        ({"--method": "dito:sites=mlp,keys=full"}, "keys='full' is about attention sites"),
        ({"--method": "dito:sites=block,keys=full"}, "keys='full' is"),
        ({"--steps": 0}, "steps=0 must be an integer of at least 1: the number of denoising steps."),
        ({"--samples": 0}, "samples=0 must be an integer of at least 1"),
        ({"--samples": 10**9}, "samples=1000000000 is too many: their seeds and values alone take about 186.3 GB"),
        ({"--pairs": -1}, "pairs=-1 must be an integer of at least 1"),
        ({"--seed": -1}, "seed=-1 must be in [0, 2**63)"),
        ({"--model": CLASSIFIER}, "dito reuses correspondences from step to step, and VisionTransformer"),
        ({"--model": CLASSIFIER, "--method": "fewer_steps"}, "and VisionTransformer takes none."),
        ({"--model": CLASSIFIER, "--method": "random", "--steps": 2}, "steps=2 means nothing for tiny-vit"),
        ({"--model": CLASSIFIER, "--method": "random", "--samples": 13}, "tiny-vit has 12 test pictures."),
        ({"--model": "all"}, "dito reuses correspondences from step to step, and VisionTransformer"),
        ({"--model": "all", "--method": "random", "--samples": 13}, "tiny-vit has 12 test pictures."),
        ({"--engine": "dask"}, "--engine dask is not known. Allowed: here, ray, accelerate."),
        ({"--workers": 2}, "--workers is for --engine ray. Leave it out."),
        ({"--engine": "accelerate"}, "is for processes that start together: accelerate launch --num_processes 2"),
        ({"--device": "tpu"}, "device='tpu' is not known. Allowed: cpu, cuda, cuda:1, mps"),
    ],
)
def test_a_refusal_is_one_message_and_nothing_is_written(
    tokred: Callable[..., Any], tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    options = {"--model": NAME, "--method": "dito", "--out": tmp_path / "out"} | changes
    result = tokred("bench", *(word for option in options.items() for word in option))
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.startswith("tokred: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_file_says_a_whole_benchmark_and_the_one_beside_the_results_repeats_it(
    tokred: Callable[..., Any], tmp_path: Path
) -> None:
    file, first, second = tmp_path / "mine.yaml", tmp_path / "first", tmp_path / "second"
    file.write_text(f"model: {NAME}\nmethods: [random: {{ratio: 0.5}}]\nsamples: 2\npairs: 1\nout: {first}\n")
    done = tokred("bench", file, "--seed", 3)
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    results = read_results(first / "results.json")
    assert (results.settings.seeds, results.settings.pairs) == ((3, 4), 1)
    beside = first / "run.yaml"
    said = beside.read_text()
    assert {f"steps: {STEPS}", "seed: 3", "- random:ratio=0.5"} <= set(said.splitlines())
    assert tokred("bench", beside, "--out", second).exit_code == 0
    assert read_results(second / "results.json").rows[0].scores == results.rows[0].scores
    assert tokred("bench", beside).exit_code == 2  # the folder holds results
    assert tokred("bench", beside, "--resume").exit_code == 0
    refused = tokred("bench", beside, "--resume", "--seed", 4)
    assert (refused.exit_code, "would be written over" in refused.stderr) == (2, True)
    assert beside.read_text() == said
    assert tokred("bench", "--out", tmp_path / "no").stderr.startswith("tokred: the command names no model.")


def test_a_misspelt_method_is_refused_before_a_model_is_loaded(
    tokred: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokred.bench.sources.Source.load", lambda *_: pytest.fail("a model was loaded"))
    result = tokred("bench", "--model", NAME, "--method", "ditto")
    assert (result.exit_code, "Did you mean 'dito'?" in result.stderr) == (2, True)


def test_weights_of_a_metric_that_are_missing_are_said_before_a_model_is_loaded(
    tokred: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokred.bench.sources.Source.load", lambda *_: pytest.fail("a model was loaded"))
    result = tokred("bench", "--model", NAME, "--metric", "fid")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "fid needs torch-fidelity, and its file of Inception weights: fid:weights=PATH" in result.stderr


def test_cuda_is_refused_where_there_is_none(
    tokred: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = tokred("bench", "--model", NAME, "--device", "cuda", "--out", tmp_path / "out")
    assert (result.exit_code, "PyTorch sees no CUDA device" in result.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_output_folder(tokred: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    result = tokred("bench", "--model", NAME, "--method", "dito", "--out", tmp_path / "file")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"--out {tmp_path / 'file'}: it is a file." in result.stderr
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_ours_is_refused(tokred: Callable[..., Any], tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    result = tokred("bench", "--model", NAME, "--method", "dito", "--out", tmp_path / "out")
    assert (result.exit_code, "Permission denied" in result.stderr) == (2, True)


def test_corrupt_weights_are_refused(
    tokred: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_zoo: Path
) -> None:
    folder = tmp_path / "models" / NAME
    folder.mkdir(parents=True)
    (folder / "model.json").write_bytes((tiny_zoo / NAME / "model.json").read_bytes())
    (folder / "weights.safetensors").write_bytes(b"other")
    monkeypatch.setattr(catalog, "MODELS", tmp_path / "models")
    result = tokred("bench", "--model", NAME, "--method", "dito", "--out", tmp_path / "out")
    assert (result.exit_code, "has SHA-256" in result.stderr) == (2, True)
    assert not (tmp_path / "out").exists()


def test_the_installed_command_refuses_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from tokred.cli import main; main()", "bench", "--model", "no-such-model"]
    done = subprocess.run([*command, "--out", tmp_path / "out"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tokred: Unknown zoo model 'no-such-model'.")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
