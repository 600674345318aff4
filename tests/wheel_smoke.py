"""What a user does first with the installed wheel; run outside the repository, see `make wheel-smoke`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import tokred

TOKRED = Path(sys.executable).parent / "tokred"


def run(*arguments: str) -> str:
    return subprocess.run([TOKRED, *arguments], check=True, capture_output=True, text=True).stdout


def main() -> None:
    assert "site-packages" in tokred.__file__, f"{tokred.__file__} is not the installed wheel"
    assert "dito" in run("methods")
    assert "emoji-dit" in run("models")
    assert f"tokred {tokred.__version__}" in run("plugins")
    with tempfile.TemporaryDirectory() as folder:
        size = ["--steps", "4", "--samples", "2", "--pairs", "1"]
        run("bench", "--model", "emoji-dit", "--method", "dito:ratio=0.5", *size, "--out", folder)
        (row,) = json.loads((Path(folder) / "results.json").read_text())["rows"]
        assert row["method"] == "dito"
        assert 0 < row["compute"] < 1
    print(f"tokred {tokred.__version__}: the wheel works")


if __name__ == "__main__":
    main()
