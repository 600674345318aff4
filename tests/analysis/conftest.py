"""One analysis of each tiny model that draws, made once, that the tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from demo.tiny_models import write_tiny_models

from tokred.analysis import Analysis, Findings, analyze, settings_for
from tokred.bench.drawing import DrawingSubject
from tokred.zoo import ZooModel
from tokred.zoo.load import load


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_models(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="session", params=["tiny-dit", "tiny-flux"])
def findings(request: pytest.FixtureRequest, tiny_models: Path) -> Findings:
    model = ZooModel.read(tiny_models / request.param)
    subject = DrawingSubject(model, load(model))
    return analyze(subject, settings_for(subject, steps=12, samples=3, seed=5, lags=(1, 4)))


@pytest.fixture
def analysis(findings: Findings) -> Analysis:
    return findings.analysis
