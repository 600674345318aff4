from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from child import run_child
from deadline import Deadline
from jobs import Job, LeftOut, Options, Unfinished
from records import Records
from run import parse
from summary import summary
from training import jobs as training_jobs
from training import train
from work import expected_seconds, work_through

GPU = Path(__file__).parents[2] / "benchmarks" / "gpu"


def smoke(out: Path) -> str:
    command = [sys.executable, GPU / "run.py", "--only", "smoke", "--out", out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def contents(folder: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in sorted(folder.glob("*/*.json"))}


@pytest.mark.slow
def test_smoke_measures_everything_and_a_second_call_nothing_more(tmp_path: Path) -> None:
    assert smoke(tmp_path).endswith("Nothing remains.\n")
    written = contents(tmp_path)
    records = [json.loads(text) for text in written.values()]
    assert [record["error"] for record in records if record["error"]] == []
    measured = {(r["part"], r["what"]["model"], r["what"]["method"].split()[0]) for r in records}
    for part, models in {"speed": 7, "compile": 7}.items():
        for method, fitting in {"dense": models, "tomesd": models, "dito": models - 1, "balanced": models - 1}.items():
            assert sum(what[::2] == (part, method) for what in measured) == fitting, (part, method)
    for record in records:
        result = record["result"]
        below = record["what"]["model"] == "sdxl" and record["what"]["method"].startswith("delta")
        assert (result["unplanned"] > 0) == below, "the lowest level of a tiny UNet has fewer tokens than a cell"
        assert result["generation_ms"] > 0
        assert (result["compute"] < 1) == (record["what"]["method"] != "dense")
        assert result.get("difference", 0.0) < 0.02
    victim = next(iter(written))
    victim.unlink()
    said = smoke(tmp_path)
    assert f"{json.loads(written[victim])['what']['method']} cpu tiny" in said.splitlines()[0]
    again = contents(tmp_path)
    assert [path for path in written if again[path] != written[path]] == [victim]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (["sped"], ("sped", "train", "tests", "speed", "compile", "quality", "smoke")),
        (["smoke", "quality"], ("--only smoke stands alone",)),
    ],
    ids=["unknown", "smoke-beside-another"],
)
def test_parts_that_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], parts: list[str], said: tuple[str, ...]
) -> None:
    monkeypatch.setattr(sys, "argv", ["run.py", "--only", *parts])
    with pytest.raises(SystemExit, match="2"):
        parse()
    told = capsys.readouterr().err
    assert all(words in told for words in said)


class Bench:
    """A folder of records, and a clock that stands still but for the jobs."""

    def __init__(self, folder: Path) -> None:
        self.records = Records(folder, "cpu")
        self.now = 0.0

    def job(self, name: str, seconds: float = 0.0, **kwargs: Any) -> Job:
        def work(left: float) -> dict[str, Any]:
            self.now += seconds
            return {"left": left}

        return Job("part", {"name": name}, work, **kwargs)

    def work(self, *jobs: Job, minutes: float = 1.0) -> list[str]:
        return work_through(jobs, self.records, Deadline(minutes, lambda: self.now))

    def done(self) -> list[str]:
        return [record.what["name"] for record in self.records.all()]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = Bench(tmp_path)
    monkeypatch.setattr("work.time.monotonic", lambda: made.now)
    return made


def test_nothing_is_begun_that_would_not_fit(bench: Bench) -> None:
    jobs = [bench.job(name, 25.0) for name in "abc"]
    assert bench.work(*jobs) == ["part c"], "10 s are left, and a and b took 25 s each"
    assert bench.work(*jobs) == []
    assert bench.done() == ["a", "b", "c"]


def test_a_job_is_expected_to_take_the_square_of_its_size(bench: Bench) -> None:
    bench.work(bench.job("small", 2.0, like="x", size=10.0), bench.job("other", 9.0, like="y"))
    known = bench.records.all()
    assert expected_seconds(bench.job("large", like="x", size=30.0), known) == 18.0
    assert expected_seconds(bench.job("smaller", like="x", size=1.0), known) == 2.0
    assert expected_seconds(bench.job("like none", like="z"), known) == 9.0
    assert expected_seconds(bench.job("like none", like="z", guess=50.0), known) == 50.0


def test_nothing_is_begun_after_the_end(bench: Bench) -> None:
    assert bench.work(bench.job("a"), minutes=0.0) == ["part a"]
    assert bench.done() == []


def test_a_smaller_job_takes_the_place_of_one_that_does_not_fit(bench: Bench) -> None:
    assert bench.work(bench.job("long", guess=61.0), bench.job("short", guess=59.0)) == ["part long"]
    assert bench.done() == ["short"]


def failing(error: Exception) -> Callable[[float], dict[str, Any]]:
    def work(left: float) -> dict[str, Any]:
        raise error

    return work


def test_an_error_is_recorded_and_the_rest_goes_on(bench: Bench, tmp_path: Path) -> None:
    broken = Job("part", {"name": "broken"}, failing(MemoryError("no room")))
    assert bench.work(broken, bench.job("next")) == []
    assert bench.done() == ["broken", "next"]
    record = json.loads((tmp_path / "part" / "broken.json").read_text())
    assert (record["error"], record["result"]) == ("MemoryError: no room", None)
    assert "in work" in record["trace"]
    assert {"tokred", "torch", "commit"} <= record["versions"].keys()
    assert "failed: part broken: MemoryError: no room" in summary(bench.records.all(), [], {})


def test_what_ran_out_of_time_remains(bench: Bench) -> None:
    remain = bench.work(Job("part", {"name": "a"}, failing(Unfinished("3 of 9 steps are done"))))
    assert remain == ["part a: 3 of 9 steps are done"]
    assert bench.done() == []
    said = summary([], remain, {"train": "no data"})
    assert said == (
        "left out: train: no data\nremains: part a: 3 of 9 steps are done\n1 remain: call the same command again."
    )


def test_records_are_found_again_by_what_was_measured(bench: Bench, tmp_path: Path) -> None:
    bench.work(bench.job("a/b c=0.5"))
    assert (tmp_path / "part" / "a-b-c-0.5.json").exists()
    later = Records(tmp_path, "cpu")
    assert later.has(bench.job("a/b c=0.5"))
    assert not later.has(bench.job("a b c 0.5")), "the same file name, and not the same job"
    assert not later.has(dataclasses.replace(bench.job("a/b c=0.5"), part="other"))


def test_training_without_data_is_left_out(tmp_path: Path) -> None:
    with pytest.raises(LeftOut, match="--data DIR"):
        next(training_jobs(Options("cpu", "tiny", tmp_path)))


def test_training_goes_on_where_there_is_a_checkpoint(tmp_path: Path) -> None:
    options = Options("cpu", "tiny", tmp_path, data=tmp_path)
    assert "emoji-dit" not in [job.what["model"] for job in training_jobs(options)], "it comes with tokred"
    (tmp_path / "train" / "emoji-dit").mkdir(parents=True)
    (tmp_path / "train" / "emoji-dit" / "checkpoint.pt").touch()
    assert "emoji-dit" in [job.what["model"] for job in training_jobs(options)]


TRAINER = """
import sys, torch
print(" ".join(sys.argv[1:]))
folder = sys.argv[sys.argv.index("--out") + 1]
torch.save({"progress": {"step": 5, "seconds": 2.5, "losses": [(5, 0.25)]}}, folder + "/checkpoint.pt")
"""


@pytest.fixture
def trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    """Put a program that takes five steps in the place of the zoo's training."""
    (tmp_path / "trainer.py").write_text(TRAINER)
    monkeypatch.setattr("training.TRAIN", tmp_path / "trainer.py")
    return Options("cpu", "tiny", tmp_path, data=tmp_path)


def test_training_that_is_not_finished_goes_on_later(trainer: Options, tmp_path: Path) -> None:
    with pytest.raises(Unfinished, match="5 of 9 steps are done"):
        train(trainer, tmp_path / "some-model", steps=9, seconds=150.0)
    said = (tmp_path / "some-model" / "log.txt").read_text()
    assert said == f"some-model --data {tmp_path} --out {tmp_path / 'some-model'} --device cpu --minutes 1.50\n"


def test_a_trained_model_is_exported(trainer: Options, tmp_path: Path) -> None:
    result = train(trainer, tmp_path / "some-model", steps=5, seconds=150.0)
    assert result == {"seconds_of_steps": 2.5, "last_loss": (5, 0.25)}
    assert (tmp_path / "some-model" / "log.txt").read_text().endswith("--device cpu --export\n")


def test_a_command_is_killed_in_time_and_its_log_stays(tmp_path: Path) -> None:
    program = "import time; print('begun', flush=True); time.sleep(60)"
    with pytest.raises(Unfinished, match="stopped after 2 s"):
        run_child([sys.executable, "-c", program], 2.0, tmp_path / "log.txt")
    assert (tmp_path / "log.txt").read_text() == "begun\n"


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"^OSError: no such thing \(exit code 1, see .*log.txt\)$"):
        run_child([sys.executable, "-c", "raise OSError('no such thing')"], 60.0, tmp_path / "log.txt")
