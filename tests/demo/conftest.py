"""One comparison by each model that draws, made once, that the tests look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from demo.tiny_models import STEPS, write_tiny_models

from tokred.bench.drawing import DrawingSubject
from tokred.demo import Comparison, compare
from tokred.registry import build_method
from tokred.zoo import ZooModel, catalog
from tokred.zoo.load import load


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_models(tmp_path_factory.mktemp("zoo"))


@pytest.fixture
def find(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ZooModel]:
    """Look a tiny model up, in a zoo that holds nothing else."""
    monkeypatch.setattr(catalog, "MODELS", tiny_models)
    return catalog.find_model


@pytest.fixture(scope="session", params=["tiny-dit", "tiny-flux"])
def comparison(request: pytest.FixtureRequest, tiny_models: Path) -> Comparison:
    model = ZooModel.read(tiny_models / request.param)
    method = build_method("dito", {"ratio": 0.5})
    subject = DrawingSubject(model, load(model), prompt=model.classes[1])
    return compare(subject, method, steps=STEPS, seed=3, label="dito ratio=0.5")
