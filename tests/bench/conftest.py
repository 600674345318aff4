"""One small benchmark, run once, that the tests look at."""

from __future__ import annotations

import pytest
from bench.recorder import Recorder
from bench.tiny import TinySubject

from tokred.bench import Results, Settings, parse_contenders, run_bench

TEXTS = [
    "dito:ratio=0.5,interval=2",
    "dito:ratio=0.5",
    "dito:ratio=0.75",
    "tomesd:ratio=0.5",
    "fewer_steps:share=0.5",
    "step_cache:interval=3",
]


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings.from_seed(5, steps=6, samples=9, pairs=2, command="tokred bench")


@pytest.fixture(scope="session")
def subject() -> TinySubject:
    return TinySubject()


@pytest.fixture(scope="session")
def bench_run(subject: TinySubject, settings: Settings) -> tuple[Results, Recorder]:
    view = Recorder()
    return run_bench(subject, parse_contenders(TEXTS), settings, view), view


@pytest.fixture(scope="session")
def results(bench_run: tuple[Results, Recorder]) -> Results:
    return bench_run[0]


@pytest.fixture(scope="session")
def view(bench_run: tuple[Results, Recorder]) -> Recorder:
    return bench_run[1]
