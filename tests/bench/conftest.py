"""Two small benchmarks, each run once, that the tests look at: of a model that draws and of a classifier."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from bench.recorder import Recorder
from bench.tiny import TinySubject, tiny_classifier, write_tiny_zoo

from tokred.bench import Metric, Results, Settings, line_up, run_bench
from tokred.bench.classifying import ClassifyingSubject

TEXTS = [
    "dito:ratio=0.5,interval=2",
    "dito:ratio=0.5",
    "dito:ratio=0.75",
    "tomesd:ratio=0.5",
    "fewer_steps:share=0.5",
    "step_cache:interval=3",
]


@pytest.fixture(scope="session")
def subject() -> TinySubject:
    return TinySubject()


@pytest.fixture(scope="session")
def metrics(subject: TinySubject) -> dict[str, Metric]:
    """What is measured of pictures, by name."""
    return {metric.name: metric for metric in subject.metrics}


@pytest.fixture(scope="session")
def settings(subject: TinySubject) -> Settings:
    return dataclasses.replace(subject.settings(5, steps=6, samples=9, pairs=2), command="tokred bench")


@pytest.fixture(scope="session")
def bench_run(subject: TinySubject, settings: Settings) -> tuple[Results, Recorder]:
    view = Recorder()
    return run_bench(subject, line_up(subject, TEXTS), settings, view), view


@pytest.fixture(scope="session")
def results(bench_run: tuple[Results, Recorder]) -> Results:
    return bench_run[0]


@pytest.fixture(scope="session")
def view(bench_run: tuple[Results, Recorder]) -> Recorder:
    return bench_run[1]


@pytest.fixture(scope="session")
def zoo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    write_tiny_zoo(folder)
    return folder


@pytest.fixture(scope="session")
def classifier(zoo_folder: Path) -> ClassifyingSubject:
    return tiny_classifier(zoo_folder)


@pytest.fixture(scope="session")
def classifier_run(classifier: ClassifyingSubject) -> tuple[Results, Recorder]:
    """A benchmark of everything that fits a classifier."""
    view = Recorder()
    return run_bench(classifier, line_up(classifier), classifier.settings(pairs=1), view), view


@pytest.fixture(scope="session")
def classifier_results(classifier_run: tuple[Results, Recorder]) -> Results:
    return classifier_run[0]
