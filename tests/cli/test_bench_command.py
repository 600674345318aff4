"""`tokred bench`: what it writes, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from bench.tiny import NAME, STEPS

from tokred.bench import read_results
from tokred.zoo import catalog

FILES = ["pareto.png", "pareto.svg", "results.json", "strip.png"]
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
        assert {f"share={row.params['share']:.3g}"} <= set(words) if row.kind == "rival" else "ratio=0.5" in words
        assert {f"{row.compute:.3f}", f"{row.psnr.mean:.1f}", f"{row.time_ratio.median:.2f}"} <= set(words)
    assert f"Written to {out}: results.json, pareto.png, pareto.svg, strip.png" in result.stdout
    assert result.stderr == ""


def test_the_command_that_is_recorded_gives_the_same_pictures(tokred: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "a b"
    tokred("bench", "--model", NAME, "--method", "random:ratio=0.5", "--seed", 3, "--steps", 2, "--out", out, *SMALL)
    first = read_results(out / "results.json")
    command = f"tokred bench --model {NAME} --method random:ratio=0.5 --steps 2 --samples 2 --seed 3 --pairs 1"
    assert first.settings.command == f"{command} --device cpu --out '{out}'"
    assert first.settings.seeds == (3, 4)
    tokred(*command.split()[1:], "--out", out)
    assert read_results(out / "results.json").rows[0].psnr == first.rows[0].psnr


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--model": "tiny-dt"}, "Unknown zoo model 'tiny-dt'. Known: tiny-dit. Did you mean 'tiny-dit'?"),
        ({"--method": "ditto"}, "Unknown method or rival 'ditto'."),
        ({"--method": "dito:rate=0.5"}, "Unknown parameter of method 'dito': 'rate'."),
        ({"--method": "dito:ratio=1.2"}, "ratio=1.2 must be a number in [0, 1)"),
        ({"--method": "dito:ratio=0.8"}, "at most 0.75 of the tokens can be removed"),
        ({"--method": "dito:ratio=0.8,stride=2x2"}, "at most 0.75 of the tokens can be removed"),
        ({"--method": "dito:sites=mlp,keys=full"}, "keys='full' is about attention sites"),
        ({"--method": "dito:sites=block,keys=full"}, "keys='full' is"),
        ({"--steps": 0}, "steps=0 must be an integer of at least 1: the number of denoising steps."),
        ({"--samples": 0}, "samples=0 must be an integer of at least 1"),
        ({"--pairs": -1}, "pairs=-1 must be an integer of at least 1"),
        ({"--seed": -1}, "seed=-1 must be in [0, 2**63)"),
        ({"--device": "tpu"}, "device='tpu' is not known. Allowed: cpu, cuda."),
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
