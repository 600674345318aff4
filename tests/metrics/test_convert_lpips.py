"""The script that writes the shipped LPIPS weights."""

from __future__ import annotations

import hashlib
import runpy
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tokred.metrics.lpips import SHA256, WEIGHTS

SCRIPT = Path(__file__).parents[2] / "benchmarks/metrics/convert_lpips.py"
FULL_PRECISION = Path("/work/shared/data/lpips_alex.safetensors")


def run(monkeypatch: pytest.MonkeyPatch, source: Path, target: Path) -> None:
    monkeypatch.setattr("sys.argv", [str(SCRIPT), str(source), str(target)])
    runpy.run_path(str(SCRIPT), run_name="__main__")


def test_halves_every_tensor_and_prints_the_checksum(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = {"b": torch.rand(3), "a": torch.rand(2, 2)}
    save_file(tensors, tmp_path / "full")
    run(monkeypatch, tmp_path / "full", tmp_path / "half")
    written = load_file(tmp_path / "half")
    assert written.keys() == tensors.keys()
    assert all(torch.equal(written[name], tensor.half()) for name, tensor in tensors.items())
    assert capsys.readouterr().out.strip() == hashlib.sha256((tmp_path / "half").read_bytes()).hexdigest()


@pytest.mark.skipif(not FULL_PRECISION.exists(), reason="the full-precision weights are not on this machine")
def test_restores_the_shipped_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, FULL_PRECISION, tmp_path / "restored")
    assert capsys.readouterr().out.strip() == SHA256
    assert (tmp_path / "restored").read_bytes() == WEIGHTS.read_bytes()
