"""Packages whose names are imported at first use, so that listing what there is waits for no torch."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from tokred.extras import extra


def lazily(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return a package's `__getattr__` and `__dir__`: what it imports `if TYPE_CHECKING` is there, once asked for.

    Type checkers and the runtime read the same lines. Submodules are found as well, without an import of their own.
    No public name may be that of a submodule: whichever is imported first would hide the other.
    """
    module = sys.modules[package]
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    homes = {
        alias.name: str(node.module) for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }

    def __getattr__(name: str) -> Any:  # noqa: N807
        home = homes.get(name, package)
        with extra("bench"):
            found = _submodule(package, name) if home == package else getattr(importlib.import_module(home), name)
        vars(module)[name] = found
        return found

    return __getattr__, lambda: sorted({*vars(module), *homes})


def _submodule(package: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(f"{package}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{package}.{name}":
            raise
        raise AttributeError(f"module {package!r} has no attribute {name!r}") from None
