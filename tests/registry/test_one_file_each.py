"""A new signal with its method, and a new metric: each one file of somebody else's, installed by pip, and measured."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from registry.hostile import wheel
from typer.testing import CliRunner

from tokred.cli.app import app
from tokred.registry import default_registry

PACKAGES = Path(__file__).parent / "packages"
NAMES = ("moved", "dimmer")


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Install both and return the method's row of a benchmark."""
    folder, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    made = [str(wheel(folder, name, (PACKAGES / f"tokred_{name}.py").read_text(), f"tokred_{name}")) for name in NAMES]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
    subprocess.run([*pip, "--target", str(site), *made], check=True)
    size = ("--model", "emoji-dit", "--steps", "4", "--samples", "1", "--pairs", "1")
    asked = ("--method", "gaining:ratio=0.75", "--metric", "dimmer", "--out", str(folder / "out"))
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.filterwarnings("error", category=UserWarning, module="tokred")
        patch.syspath_prepend(str(site))
        default_registry.cache_clear()
        result = CliRunner().invoke(app, ["bench", *size, *asked])
    default_registry.cache_clear()
    assert result.exit_code == 0, result.output
    rows = json.loads((folder / "out" / "results.json").read_text())["rows"]
    return next(row for row in rows if row["method"] == "gaining")


def test_the_method_reduces_by_its_signal(row: dict[str, Any]) -> None:
    assert row["compute"] < 1


def test_the_metric_is_a_score_beside_the_others(row: dict[str, Any]) -> None:
    assert {"psnr", "dimmer"} <= row["scores"].keys()
