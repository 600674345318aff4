"""Nothing is lost: a benchmark that was stopped goes on and ends as one that was not."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from bench.recorder import Recorder
from bench.tiny import TinySubject

from tokred.bench import Journal, Results, line_up, read_results, run_bench
from tokred.bench.journal import FILE, TRIALS, UNFINISHED
from tokred.errors import OutputError, SpecError

TEXTS = ("tomesd:ratio=0.5", "dito:ratio=0.5", "fewer_steps:share=0.5")


class Stopping(TinySubject):
    """Is stopped at one of its generations, and then again from the next one on."""

    def __init__(self, at: int, by: type[BaseException]) -> None:
        super().__init__()
        self.at, self.by = at, by

    def generate(self, seeds: Sequence[int], steps: int) -> torch.Tensor:
        if len(self.asked) == self.at:
            self.asked.append(((), 0))
            raise self.by("at a bad time")
        return super().generate(seeds, steps)


def bench(subject: TinySubject, journal: Journal | None = None, view: Recorder | None = None) -> Results:
    settings = subject.settings(steps=4, samples=3, pairs=1)
    return run_bench(subject, line_up(subject, TEXTS), settings, view, journal)


def without_times(results: Results) -> dict[str, Any]:
    data = dataclasses.asdict(results) | {"date": ""}
    for each in (data["dense"], *data["rows"]):
        each.update(seconds=0, samples_per_second=0, time_ratio=None)
    return data


@pytest.fixture(scope="module")
def whole() -> tuple[Results, Recorder]:
    view = Recorder()
    return bench(TinySubject(), view=view), view


# A run has 1 + 1 + 4 generations, the dense one before them 1 + 1 + 2.
@pytest.mark.parametrize("at", [1, 7, 11], ids=lambda at: f"at {at}")
def test_a_run_that_was_stopped_is_resumed(tmp_path: Path, whole: tuple[Results, Recorder], at: int) -> None:
    expected, shown = whole
    with pytest.raises(KeyboardInterrupt):
        bench(Stopping(at, KeyboardInterrupt), Journal(tmp_path))
    done = read_results(tmp_path / FILE).rows if at > 3 else ()
    assert len(done) == max(0, at - 4) // 6
    assert (tmp_path / UNFINISHED).exists() == (at > 3)
    view, subject = Recorder(), TinySubject()
    resumed = bench(subject, Journal(tmp_path, "resume"), view)
    assert without_times(resumed) == without_times(expected)
    assert read_results(tmp_path / FILE) == resumed
    assert resumed.rows[: len(done)] == done
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert len(view.done) == view.generations == 22 - 6 * len(done) - 4 * (at > 3)
    assert [each.label for each in view.rows] == [row.label for row in resumed.rows]
    for mine, other in zip(view.exhibits, shown.exhibits, strict=True):
        assert (mine.label, mine.values) == (other.label, other.values)
        assert torch.equal(mine.pictures, other.pictures)
        assert [(each.step, each.site) for each in mine.tokens] == [(each.step, each.site) for each in other.tokens]
        assert all(torch.equal(a.kept, b.kept) for a, b in zip(mine.tokens, other.tokens, strict=True))


def test_dense_samples_that_were_removed_are_made_again(tmp_path: Path, whole: tuple[Results, Recorder]) -> None:
    with pytest.raises(KeyboardInterrupt):
        bench(Stopping(11, KeyboardInterrupt), Journal(tmp_path))
    (tmp_path / UNFINISHED / "dense.safetensors").unlink()
    assert without_times(bench(TinySubject(), Journal(tmp_path, "resume"))) == without_times(whole[0])


def test_a_method_that_raises_is_a_row_and_the_next_one_runs(tmp_path: Path) -> None:
    view, subject = Recorder(), Stopping(11, MemoryError)
    results = bench(subject, Journal(tmp_path), view)
    (failed,) = results.failed
    assert (failed.label, failed.error) == ("dito ratio=0.5", "MemoryError: at a bad time")
    assert [row.method for row in results.rows] == ["tomesd", "fewer_steps"]
    assert view.failures == [failed]
    assert read_results(tmp_path / FILE) == results
    assert all("forward" not in module.__dict__ for module in subject.model.transformer.modules())


def test_results_that_are_there_are_not_touched_unasked(tmp_path: Path, results: Results) -> None:
    Journal(tmp_path).keep(results)
    (tmp_path / "pareto.png").write_text("stale")
    (tmp_path / "notes.txt").write_text("precious")
    with pytest.raises(OutputError, match=r"holds results of another run\. .*--resume, or remove its files by --over"):
        Journal(tmp_path)
    assert Journal(tmp_path, "resume").earlier == results
    assert Journal(tmp_path, "overwrite").earlier is None
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_only_the_same_run_is_resumed(tmp_path: Path, results: Results) -> None:
    Journal(tmp_path).keep(results)
    with pytest.raises(SpecError, match=r"to be resumed have steps 6, and this run 4\. .* by --overwrite"):
        bench(TinySubject(), Journal(tmp_path, "resume"))
    assert read_results(tmp_path / FILE) == results


def test_trials_are_kept_line_by_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.keep_trial({"a": (1, 2)}, (0.5, 30.0))
    with (tmp_path / UNFINISHED / TRIALS).open("a") as file:
        file.write('[{"a": [1')  # the process was killed here
    assert Journal(tmp_path, "resume").trials() == {json.dumps({"a": (1, 2)}): [0.5, 30.0]}
    assert Journal().trials() == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk of a size")
def test_a_full_disk_ends_the_run_in_a_sentence_and_it_is_resumed(
    tmp_path: Path, whole: tuple[Results, Recorder]
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        with pytest.raises(OutputError, match=r"cannot be written: .*(No space|space left).* Name a folder"):
            bench(TinySubject(), Journal(disk))
        subprocess.run(["mount", "-o", "remount,size=10m", disk], check=True)
        assert without_times(bench(TinySubject(), Journal(disk, "resume"))) == without_times(whole[0])
        assert [path.name for path in disk.iterdir()] == [FILE]
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)  # dense samples are mapped from it


def test_trials_that_cannot_be_kept_are_a_sentence(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    (tmp_path / UNFINISHED / TRIALS).mkdir(parents=True)
    with pytest.raises(OutputError, match=r"trials.jsonl cannot be written: .* Name a folder"):
        journal.keep_trial({}, (0.5,))
