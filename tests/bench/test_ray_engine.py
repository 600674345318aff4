"""Rows by two workers of Ray, one of them killed in the middle: as by one process, to the bit."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from bench.recorder import Recorder

from tokred.bench import Journal, Results, line_up, read_results, run_bench
from tokred.bench.journal import FILE
from tokred.bench.ray_engine import RayEngine
from tokred.bench.sources import Source
from tokred.errors import MissingPackage, SpecError
from tokred.tuning import Effort, Target, Trial, find_finalists

pytest.importorskip("ray", reason="Ray is not installed: pip install 'tokred[ray]'")

TEXTS = ("tomesd:ratio=0.5", "dito:ratio=0.5", "fewer_steps:share=0.5", "random:ratio=0.5")
MODULE = """
import os, signal
from pathlib import Path
from bench.tiny import TinySubject

KILLED = Path({killed!r})
DRIVER = {driver}

class Mortal(TinySubject):
    def generate(self, seeds, steps):
        if os.getpid() != DRIVER and {dies}:
            KILLED.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().generate(seeds, steps)

def make():
    return Mortal()
"""


def without_times(results: Results) -> dict[str, Any]:
    data = dataclasses.asdict(results) | {"date": ""}
    for each in (data["dense"], *data["rows"]):
        each.update(seconds=0, samples_per_second=0, time_ratio=None)
    return data


@pytest.fixture
def mortal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Source:
    """A model whose first worker is killed in the middle of a row; or every one, where the test asks for that."""
    killed = tmp_path / "killed"
    dies = getattr(request, "param", "len(self.asked) == 3 and not KILLED.exists()")
    (tmp_path / "mortal.py").write_text(MODULE.format(killed=str(killed), driver=os.getpid(), dies=dies))
    places = [str(tmp_path), str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", ":".join(places))
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("mortal", None)
    return Source(model="mortal:make")


def bench(source: Source, engine: RayEngine | None, out: Path | None = None, view: Recorder | None = None) -> Results:
    subject = source.load()
    settings = subject.settings(steps=4, samples=3, pairs=1)
    results = run_bench(subject, line_up(subject, TEXTS), settings, view, Journal(out), engine)
    if engine:
        engine.close()
    return results


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_its_row_a_retry(mortal: Source, tmp_path: Path) -> None:
    view, alone = Recorder(), Recorder()
    expected = bench(mortal, None, view=alone)
    found = bench(mortal, RayEngine(mortal, workers=2), tmp_path / "out", view)
    assert (tmp_path / "killed").exists()
    assert without_times(found) == without_times(expected)
    assert without_times(read_results(tmp_path / "out" / FILE)) == without_times(found)
    assert len(view.done) == view.generations
    pictures = {each.label: each.pictures for each in view.exhibits}
    assert pictures.keys() == {each.label for each in alone.exhibits}
    assert all(pictures[each.label].equal(each.pictures) for each in alone.exhibits)


@pytest.mark.slow
@pytest.mark.parametrize("mortal", ["steps == 2"], indirect=True)
def test_a_row_that_kills_every_worker_fails_and_the_others_do_not(mortal: Source, tmp_path: Path) -> None:
    found = bench(mortal, RayEngine(mortal, workers=2))
    (failed,) = found.failed
    assert failed.label == "fewer_steps share=0.5"
    assert failed.error.startswith("its worker died 3 times: ")
    assert [row.method for row in found.rows] == ["tomesd", "dito", "random"]


@pytest.mark.slow
def test_a_search_spreads_its_trials_and_a_worker_that_is_killed_costs_one_a_retry(mortal: Source) -> None:
    def found(engine: RayEngine | None) -> tuple[list[Trial], list[str]]:
        trials: list[Trial] = []
        effort = Effort(candidates=9, samples=2, most=3)
        target = Target(time=0.8)
        finalists = find_finalists(mortal.load(), 5, target, effort, 1, trials.append, None, engine)
        return trials, [each.label for each in finalists]

    engine = RayEngine(mortal, workers=2)
    expected, spread = found(None), found(engine)
    engine.close()
    assert (Path(sys.modules["mortal"].KILLED)).exists()
    assert spread == expected


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(SpecError, match="--workers 0 must be at least 1"):
        RayEngine(Source(model="x"), workers=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "ray", None)
        with pytest.raises(MissingPackage, match=r"needs ray, .*pip install 'tokred\[ray\]'"):
            RayEngine(Source(model="x"))
