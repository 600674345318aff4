"""The command line, in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench.tiny import write_tiny_zoo
from demo.tiny_models import write_tiny_models
from typer.testing import CliRunner

from tokred.cli.app import app
from tokred.zoo import catalog


@pytest.fixture(scope="session")
def tiny_zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    write_tiny_zoo(folder)
    return folder


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a zoo of three tiny models."""
    return write_tiny_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def tokred(tiny_zoo: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run `tokred` with the two tiny models as its zoo, on a terminal of 80 columns; gives exit code and output."""
    monkeypatch.setattr(catalog, "MODELS", tiny_zoo)
    monkeypatch.setenv("COLUMNS", "80")
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])
