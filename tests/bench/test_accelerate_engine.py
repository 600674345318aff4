"""Rows by two processes that start together, one of them killed in the middle: as by one process, to the bit."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bench.tiny import NAME, write_tiny_zoo

from tokred.bench import read_results
from tokred.bench.accelerate_engine import AccelerateEngine
from tokred.errors import SpecError

TESTS = str(Path(__file__).parents[1])
RUN = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from tokred.bench.drawing import DrawingSubject
from tokred.cli import main
from tokred.zoo import catalog

catalog.MODELS = Path({zoo!r})
KILLED, drawn, draw = Path({killed!r}), [], DrawingSubject.generate

def mortal(self, seeds, steps):
    drawn.append(steps)
    if os.environ.get("RANK") == "1" and len(drawn) == {at} and not KILLED.exists():
        KILLED.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return draw(self, seeds, steps)

DrawingSubject.generate = mortal
main()
"""
METHODS = ("tomesd:ratio=0.5", "dito:ratio=0.5", "fewer_steps:share=0.5", "random:ratio=0.5", "balanced", "fast")


def without_times(out: Path) -> dict[str, Any]:
    data = dataclasses.asdict(read_results(out / "results.json")) | {"date": ""}
    data["settings"]["command"] = data["device"]["threads"] = ""
    for each in (data["dense"], *data["rows"]):
        each.update(seconds=0, samples_per_second=0, time_ratio=None)
    return data


NAMED = [word for name in METHODS for word in ("--method", name)]
SMALL = ["--steps", "4", "--samples", "2", "--pairs", "1"]
COMMANDS = {
    "bench": (4, ["bench", "--model", NAME, *NAMED, *SMALL]),
    "tune": (3, ["tune", "--model", NAME, *SMALL, "--psnr", "5", "--candidates", "8", "--tuning-samples", "4"]),
}
"""After so many generations of its own the second process is killed; of each command."""


@pytest.mark.slow
@pytest.mark.parametrize(("at", "command"), COMMANDS.values(), ids=list(COMMANDS))
def test_a_process_that_is_killed_costs_its_row_or_trial_a_retry(tmp_path: Path, at: int, command: list[str]) -> None:
    write_tiny_zoo(tmp_path / "zoo")
    killed, script = tmp_path / "killed", tmp_path / "run.py"
    script.write_text(RUN.format(tests=TESTS, zoo=str(tmp_path / "zoo"), killed=str(killed), at=at))
    command = [str(script), *command]
    alone = subprocess.run([sys.executable, *command, "--out", tmp_path / "alone"], capture_output=True, text=True)
    assert alone.returncode == 0, alone.stderr
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--max_restarts", "2"]
    both = [*launcher, *command, "--engine", "accelerate", "--out", tmp_path / "both"]
    together = subprocess.run(list(map(str, both)), capture_output=True, text=True)
    assert together.returncode == 0, together.stderr
    assert killed.exists()
    assert together.stdout.count("Written to") == alone.stdout.count("Written to")
    assert without_times(tmp_path / "both") == without_times(tmp_path / "alone")
    names = [sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("alone", "both")]
    assert names[0] == names[1]


def test_processes_have_to_start_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with pytest.raises(SpecError, match="for processes that start together: accelerate launch --num_processes 2"):
        AccelerateEngine("cpu")
