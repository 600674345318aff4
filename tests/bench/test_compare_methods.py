"""The comparison for authors of plugins: stored at first, compared afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bench.scripts import BENCHMARKS

FILE = BENCHMARKS / "compare_methods.py"


def compare(storage: Path, *arguments: str) -> str:
    methods = ["--method", "tomesd:ratio=0.5", "--method", "fewer_steps:share=0.5", "--steps", "2"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(FILE), *methods, *arguments]
    done = subprocess.run(
        [*command, f"--benchmark-storage=file://{storage}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
def test_a_comparison_is_stored_and_compared_with(tmp_path: Path) -> None:
    stored = compare(tmp_path, "--benchmark-autosave")
    for label in ("dense", "tomesd ratio=0.5", "fewer_steps share=0.5"):
        assert f"test_generation[{label}]" in stored
    assert len(list(tmp_path.rglob("*.json"))) == 1
    again = compare(tmp_path, "--benchmark-compare")
    assert "(NOW)" in again
    assert "test_generation[tomesd ratio=0.5] (0001" in again
