"""A dozen hostile packages and more, installed by pip: a built-in method is what it is without them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from families.models import BY_NAME
from registry.hostile import CLASH, GOOD, HOSTILE, SLOW, lay_down, wheel
from typer.testing import CliRunner

import tokred
from tokred.cli.app import app
from tokred.registry import default_registry

ALL = {**{name: code for name, (code, _) in HOSTILE.items()}, SLOW[0]: SLOW[1]}
SIZE = ("--steps", "2", "--samples", "1", "--pairs", "1")
WARNED = re.compile(r"^tokred: plugin (tokred-\S+) 0\.2 ", re.MULTILINE)


def test_they_are_a_dozen_and_more() -> None:
    assert len({*ALL, CLASH[0]}) >= 12


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install them, one that is sound, and one that takes its name, into a folder of their own."""
    wheels, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    codes = {**ALL, "hello": GOOD, CLASH[0]: CLASH[1]}
    made = [str(wheel(wheels, name, code)) for name, code in codes.items()]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
    subprocess.run([*pip, "--target", str(site), *made], check=True)
    return site


def python(site: Path, *arguments: str) -> tuple[str, list[str]]:
    """Run Python where they are installed; return what it prints and the plugins that were warned of."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *sys.path]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, cwd=site.parent)
    return done.stdout, WARNED.findall(done.stderr)


def row_of_dito(out: Path) -> dict[str, Any]:
    (row,) = [row for row in json.loads((out / "results.json").read_text())["rows"] if row["method"] == "dito"]
    return {name: row[name] for name in ("compute", "site_compute", "scores")}


def test_a_built_in_imports_no_plugin(installed: Path) -> None:
    code = "import sys, tokred.registry as r; r.build_method('dito', {}); print(*sys.modules)"
    modules, warned = python(installed, "-c", code)
    assert (re.findall(r"plugin_\w+", modules), warned) == ([], [])


def test_the_benchmark_of_a_built_in_is_the_same_bit_for_bit(tmp_path: Path, installed: Path) -> None:
    """Where another method is named too, each broken plugin costs one warning."""
    bench = ("bench", "--model", "emoji-dit", *SIZE, "--method", "dito:ratio=0.5")
    result = CliRunner().invoke(app, [*bench, "--out", str(tmp_path / "without")])
    assert result.exit_code == 0, result.output
    code = "import sys; sys.argv[0] = 'tokred'; from tokred.cli import main; main()"
    beside = ("--method", "hello:ratio=0.5", "--out", str(tmp_path / "beside"))
    _, warned = python(installed, "-c", code, *bench, *beside)
    assert row_of_dito(tmp_path / "beside") == row_of_dito(tmp_path / "without")
    assert sorted(warned) == sorted(f"tokred-{name}" for name in (*ALL, CLASH[0]))


@pytest.mark.parametrize("name", ALL)
def test_each_leaves_a_built_in_as_it_is_and_costs_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    family = BY_NAME["dit"]
    with tokred.apply(model := family.model(), "dito"):
        expected = family.generate(model)
    lay_down(tmp_path, name, ALL[name])
    monkeypatch.syspath_prepend(str(tmp_path))
    default_registry.cache_clear()
    try:
        with pytest.warns(UserWarning, match=f"plugin tokred-{name} 0.2 ") as caught:
            default_registry().load_others()
        assert len(caught) == 1
        with tokred.apply(model, "dito"):
            assert family.generate(model).equal(expected)
    finally:
        default_registry.cache_clear()
        sys.modules.pop(f"plugin_{name.replace('-', '_')}", None)
