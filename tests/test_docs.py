"""README and docs say what the result files say, and name what exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import tokred
from tokred.registry import components

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_table_is_the_one_that_its_result_file_gives() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "tables.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links {target}"


def test_every_method_has_a_page_that_names_its_parameters() -> None:
    import inspect

    for registered in components("method"):
        page = (ROOT / "docs" / "methods" / f"{registered.component.name}.md").read_text()
        for parameter in inspect.signature(registered.component.load()).parameters:
            assert f"`{parameter}`" in page or parameter == "seed"


def test_the_api_page_names_every_public_name() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    documented_elsewhere = {"Keys", "MergeMode", "MergeRule", "Signal", "SiteKind", "errors", "hookimpl", "interfaces"}
    errors = {name for name in tokred.__all__ if isinstance(getattr(tokred, name), type)} & set(vars(tokred.errors))
    for name in set(tokred.__all__) - documented_elsewhere - errors:
        assert f"::: tokred.{name}" in page, name


def test_readme_begins_with_what_it_is_and_one_screen() -> None:
    first_screen = (ROOT / "README.md").read_text().splitlines()[:45]
    for needed in ('tokred.apply(pipe, "dito"', "make bench", "make test", "| method |", "!["):
        assert any(needed in line for line in first_screen), needed
