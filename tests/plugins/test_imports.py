"""Plugins and adapters may import only tokred's public names."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "plugins").rglob("*.py"), *(ROOT / "adapters").rglob("*.py")])


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_only_public_names_are_imported(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "tokred":
            module = importlib.import_module(node.module)
            names = {alias.name for alias in node.names}
            assert names <= set(module.__all__), f"{path.name} imports {names - set(module.__all__)} of {node.module}"
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("tokred.") for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_hosts_are_not_imported_with_the_module(path: Path) -> None:
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) or ""
        for node in ast.parse(path.read_text()).body  # not in functions: those import when they are called
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert not {name.split(".")[0] for name in imported} & {"diffusers", "timm", "transformers"}


def test_public_names_are_sorted_and_exist() -> None:
    import tokred

    assert list(tokred.__all__) == sorted(tokred.__all__)
    assert all(hasattr(tokred, name) for name in tokred.__all__)
