"""New packages: what is written works at once, and nothing is written over."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tokred import OutputError, SpecError
from tokred.scaffold import KINDS, write_package

ROOT = Path(__file__).parents[2]


def lay_down(folder: Path, site: Path) -> None:
    """Make a package importable and its entry point found, as installing it does; see `make wheel-smoke` for that."""
    package = next(path for path in folder.iterdir() if (path / "__init__.py").is_file())
    (site / package.name).symlink_to(package)
    info = site / f"{package.name}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {folder.name}\nVersion: 0.1.0\n")
    component = package.name.removeprefix("tokred_")
    (info / "entry_points.txt").write_text(f"[tokred]\n{component} = {package.name}\n")


def python(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *sys.path]), "COLUMNS": "200"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, cwd=site, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a package of every kind, and lay all of them down."""
    folder, site = tmp_path_factory.mktemp("packages"), tmp_path_factory.mktemp("site")
    for kind in KINDS:
        write_package(f"tokred-my-{kind}", kind, folder)
        lay_down(folder / f"tokred-my-{kind}", site)
    (site / "packages").symlink_to(folder)
    return site


def test_all_kinds_show_in_the_list_of_plugins(site: Path) -> None:
    done = python(site, "-c", "from tokred.cli import main; main()", "plugins")
    assert (done.returncode, done.stderr) == (0, "")
    for kind in KINDS:
        assert f"my_{kind}" in done.stdout
        assert f"tokred-my-{kind} 0.1.0" in done.stdout


@pytest.mark.slow
def test_their_own_tests_pass(site: Path) -> None:
    """In one process, as each would import the same for seconds; `make wheel-smoke` runs them from the wheel."""
    files = [str(site / "packages" / f"tokred-my-{kind}" / "tests" / f"test_my_{kind}.py") for kind in KINDS]
    done = python(site, "-m", "pytest", "-rp", "-p", "no:cacheprovider", "-W", "error::UserWarning:tokred", *files)
    assert done.returncode == 0, done.stdout
    for kind in KINDS:
        assert f"test_contract[{kind}:my_{kind}-deterministic]" in done.stdout


def test_what_is_written_is_in_good_style(site: Path) -> None:
    """Ruff finds nothing by tokred's own rules."""
    packages = str(site / "packages")
    rules = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", "--ignore", "D103,D104"]
    done = python(site, "-m", "ruff", "check", *rules, packages)
    assert done.returncode == 0, done.stdout
    done = python(site, "-m", "ruff", "format", "--check", "--config", str(ROOT / "pyproject.toml"), packages)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "name", ["hello", "tokred-", "tokred-Hello", "tokred_hello", "tokred-2", "tokred-a--b", "tokred-class"]
)
def test_bad_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError, match="is not a name for a plugin. Write tokred- and words of small letters"):
        write_package(name, "method", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="method 'dito' is already provided by tokred .*Take another name"):
        write_package("tokred-dito", "method", tmp_path)
    assert write_package("tokred-dito", "matcher", tmp_path), "it is free among matchers"


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    kind: Any = "baseline"
    with pytest.raises(SpecError, match="kind='baseline' is not known. Allowed: similarity, matcher"):
        write_package("tokred-hello", kind, tmp_path)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "tokred-hello").mkdir()
    with pytest.raises(OutputError, match="tokred-hello is there already, and nothing was changed"):
        write_package("tokred-hello", "method", tmp_path)
    assert list((tmp_path / "tokred-hello").iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written: .*Name a folder that you may write to"):
        write_package("tokred-hello", "method", tmp_path / "file")
