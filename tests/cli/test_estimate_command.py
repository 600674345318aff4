"""`tokred estimate`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from bench.tiny_saved import PIPELINES
from typer.testing import CliRunner

import tokred
from tokred.cli.app import app
from tokred.estimation import Device, measuring


def run(*words: object) -> str:
    done = CliRunner().invoke(app, ["estimate", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_saved_pipeline_is_estimated_as_in_python(tmp_path: Path) -> None:
    pipe = PIPELINES["sdxl"].pipe()
    pipe.save_pretrained(tmp_path / "pipe")
    size = {"height": 64, "width": 64}
    expected = tokred.estimate(pipe, "dito:ratio=0.5", device="t4", steps=4, dtype=torch.bfloat16, **size)
    said = run(tmp_path / "pipe", "dito:ratio=0.5", "--device", "t4", "--steps", 4, "--size", "64x64")
    assert said.splitlines()[1:] == repr(expected).splitlines()[1:]


def test_this_machine_is_measured_and_its_file_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "ENOUGH", 5e-4)
    file = tmp_path / "here.json"
    assert "us to start an operation" in run("--measure", file, "--device", "cpu")
    found = Device.read(file)
    assert (found.product, found.moving, found.ahead) == (1.0, 1.0, False)
    assert 1e8 < found.single < 1e13
    assert 1e-7 < found.start < 1e-2
    said = run("timm:vit_tiny_patch16_224", "tomesd:ratio=0.5", "--device", file)
    assert said.startswith(f"tomesd ratio=0.5 on VisionTransformer, {found.name}, 196 tokens")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name a model, such as flux-dev, or use --measure FILE"),
        (("flux-dev", "--measure", "x.json"), "Leave flux-dev out, and estimate it afterwards"),
        (("flux-dev", "--device", "none.json"), "none.json cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said(words: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(app, ["estimate", *words])
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())
