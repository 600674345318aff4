"""What is installed where it is asked for: tokred's core runs without it, and each use without it names the extra."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tokred.errors import MissingPackage
from tokred.extras import EXTRAS, extra

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MODULES = {"cache-dit": "cache_dit", "pillow": "PIL", "pyyaml": "yaml"}
"""Modules that are not called as their packages are."""
OF_THE_USER = {"accelerate", "datasets", "dreamsim", "pytest", "torch_fidelity", "transformers"}
"""Modules that are imported only where users have them, since what they ask for is theirs."""


def test_the_core_runs_alone_and_each_use_of_what_is_missing_names_its_extra() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "core_alone.py"], capture_output=True, text=True, check=False
    )
    said = re.findall(r"This needs (\w+), which is not installed. Run: pip install 'tokred\[(\w+)\]'", done.stdout)
    assert done.returncode == 2, done.stderr
    assert done.stderr.endswith("tokred: This needs typer, which is not installed. Run: pip install 'tokred[cli]'\n")
    assert said == [("matplotlib", "plot"), *[(module, "bench") for module in ("diffusers", "timm")]]


def modules(requirements: list[str]) -> set[str]:
    """Return the modules of requirements, those of tokred's own extras among them."""
    found: set[str] = set()
    for requirement in requirements:
        package, extras = re.findall(r"^([\w-]+)(?:\[([\w,]+)\])?", requirement)[0]
        if package == "tokred":
            found |= modules([each for name in extras.split(",") for each in PROJECT["optional-dependencies"][name]])
        else:
            found.add(MODULES.get(package, package))
    return found


@pytest.mark.parametrize("name", EXTRAS)
def test_an_extra_brings_the_modules_that_are_named(name: str) -> None:
    assert modules(PROJECT["optional-dependencies"][name]) == EXTRAS[name]


def imported(folder: Path) -> set[str]:
    """Return the packages that the files of a folder import anywhere."""
    nodes = [node for file in folder.rglob("*.py") for node in ast.walk(ast.parse(file.read_text()))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.partition(".")[0] for name in names}


def test_everything_that_is_imported_is_a_dependency_or_of_an_extra() -> None:
    found = set().union(*(imported(ROOT / each) for each in ("src/tokred", "plugins", "adapters/tokred_adapters")))
    own = {"tokred", "tokred_adapters", "tokred_plugins", "tokred_zoo"}
    foreign = found - sys.stdlib_module_names - own - OF_THE_USER
    assert foreign == modules(PROJECT["dependencies"]).union(*EXTRAS.values())


def test_other_missing_modules_are_left_as_they_are() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), extra("bench"):
        import no_such_module  # noqa: F401
    with pytest.raises(MissingPackage), extra("plot"):
        raise ModuleNotFoundError(name="matplotlib.figure")
