"""Two processes draw one picture, each with a part of the tokens (diffusers' context parallelism)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WORKER = Path(__file__).with_name("parallel_worker.py")


@pytest.mark.slow
@pytest.mark.parametrize("order", ["ours first", "theirs first"])
@pytest.mark.parametrize(("name", "method"), [("flux", "balanced"), ("wan", "quality")])
def test_step_presets_draw_what_they_draw_alone(name: str, method: str, order: str) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run([*command, WORKER, name, method, order], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
