"""Commands that are interrupted or killed in the middle: resumed, they end as those that were not."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from bench.tiny import NAME, write_tiny_zoo

from tokred.bench import read_results

pytestmark = pytest.mark.slow

RUN = """
import sys
from pathlib import Path
from tokred.cli import main
from tokred.zoo import catalog
catalog.MODELS = Path(sys.argv.pop(1))
main()
"""
SMALL = ("--steps", "4", "--samples", "2", "--pairs", "1")
METHODS = ("tomesd:ratio=0.5", "dito:ratio=0.5", "fewer_steps:share=0.5", "random:ratio=0.5")
BENCH = ("bench", "--model", NAME, *SMALL, *(word for name in METHODS for word in ("--method", name)))
TUNE = ("tune", "--model", NAME, *SMALL, "--psnr", "5", "--candidates", "8", "--tuning-samples", "2")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    write_tiny_zoo(folder)
    return folder


def started(zoo: Path, *words: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RUN, str(zoo), *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def rows_so_far(out: Path) -> int:
    file = out / "results.json"
    return len(json.loads(file.read_bytes())["rows"]) if file.exists() else 0


def trials_so_far(out: Path) -> int:
    file = out / "unfinished" / "trials.jsonl"
    return len(file.read_bytes().splitlines()) if file.exists() else 0


def without_times(out: Path) -> dict[str, Any]:
    data = dataclasses.asdict(read_results(out / "results.json")) | {"date": ""}
    data["settings"]["command"] = ""
    for each in (data["dense"], *data["rows"]):
        each.update(seconds=0, samples_per_second=0, time_ratio=None)
    return data


@pytest.fixture(scope="module", params=[(BENCH, rows_so_far), (TUNE, trials_so_far)], ids=["bench", "tune"])
def uninterrupted(request: pytest.FixtureRequest, zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A command, how far it is by its files, and the folder of one that was not stopped."""
    words, done = request.param
    out = tmp_path_factory.mktemp("whole") / "out"
    process = started(zoo, *words, "--out", out)
    assert process.wait(timeout=300) == 0, process.communicate()
    return words, done, out


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL], ids=lambda by: by.name)
def test_what_was_stopped_is_resumed(zoo: Path, tmp_path: Path, uninterrupted: Any, by: signal.Signals) -> None:
    words, done, whole = uninterrupted
    out = tmp_path / "out"
    process = started(zoo, *words, "--out", out)
    deadline = time.monotonic() + 120
    while done(out) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, by)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in said
    assert done(out) >= 2
    assert without_times(out)["pending"] if done is rows_so_far else not (out / "results.json").exists()
    resumed = started(zoo, *words, "--resume", "--out", out)
    assert resumed.wait(timeout=300) == 0, resumed.stderr
    assert without_times(out) == without_times(whole)
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in whole.iterdir())
