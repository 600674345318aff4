"""Packages that import their names at first use."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

PACKAGES = (
    "tokred",
    "tokred.family",
    "tokred.interfaces",
    "tokred.parts",
    "tokred.registry",
    "tokred.baselines",
    "tokred.bench",
    "tokred.zoo",
)


MODULES = {"errors", "interfaces", "parts", "signals"}
"""Public names that are submodules."""


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_is_there_and_hidden_by_no_submodule(name: str) -> None:
    package = importlib.import_module(name)
    submodules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert submodules & set(package.__all__) <= MODULES
    assert all(hasattr(package, public) for public in package.__all__)
    assert set(package.__all__) <= set(dir(package))


def test_a_name_that_is_not_there() -> None:
    import tokred

    with pytest.raises(AttributeError, match="module 'tokred' has no attribute 'aply'"):
        tokred.aply  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'aply'"):
        exec("from tokred import aply")


def test_importing_tokred_imports_no_torch_and_finds_submodules() -> None:
    code = "import sys, tokred; print('torch' in sys.modules, tokred.metrics.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "tokred.metrics"]
