"""README and docs say what the result files say, and name what exists."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import runpy
import sys
from pathlib import Path

import pytest
from bench.scripts import load_script

import tokred
from tokred.analysis import read_analysis
from tokred.analysis.page import page as page_of
from tokred.registry import components
from tokred.testing import CHECKS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_table_is_the_one_that_its_result_file_gives(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tables.py", "--check"])
    assert load_script("tables").main() == 0, capsys.readouterr().out


def test_the_tables_on_where_tokens_pay_are_those_of_their_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["where_tokens_pay.py", "--check"])
    assert load_script("where_tokens_pay").main() == 0


def test_the_page_on_where_tokens_pay_says_how_much_keys_change() -> None:
    found = json.loads((ROOT / "docs" / "results" / "reference_keys.json").read_text())
    rows = re.findall(r"^\| .* \| ([\d.]+) % \|$", (ROOT / "docs" / "pay.md").read_text(), re.MULTILINE)
    names = ("step", "first_block", "by_time", "by_picture", "line", "output", "output_line", "left_out")
    assert rows == [f"{100 * found[name]:.1f}" for name in names]


@pytest.mark.parametrize(
    "file", sorted((ROOT / "docs" / "analysis").glob("*/analysis.json")), ids=lambda p: p.parent.name
)
def test_every_analysis_page_is_the_one_that_its_file_gives(file: Path) -> None:
    assert file.with_name("index.md").read_text() == page_of(read_analysis(file))
    assert f"]({file.parent.name}/index.md)" in (ROOT / "docs" / "analysis" / "index.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links {target}"


def test_every_method_has_a_page_that_names_its_parameters() -> None:
    for registered in components("method"):
        page = (ROOT / "docs" / "methods" / f"{registered.component.name}.md").read_text()
        for parameter in inspect.signature(registered.component.load()).parameters:
            assert f"`{parameter}`" in page or parameter == "seed"


def test_every_method_has_a_page_with_its_measured_rows() -> None:
    for registered in components("method"):
        name = registered.component.name
        assert f"<!-- measured: {name} -->\n| model |" in (ROOT / "docs" / "methods" / f"{name}.md").read_text()


WHOLE = ("errors", "parts", "testing", "bench")
"""Modules that the API pages show with all of their public names."""


def test_the_api_pages_and_the_public_names_agree() -> None:
    page = "\n".join(path.read_text() for path in sorted((ROOT / "docs" / "api").glob("*.md")))
    shown = re.findall(r"^::: tokred\.([\w.]+)$", page, re.MULTILINE)
    errors = {name for name, value in vars(tokred.errors).items() if isinstance(value, type)}
    of_package = {name for name in shown if "." not in name} - {"testing", "bench"}
    assert of_package == set(tokred.__all__) - errors - {"interfaces"}
    of_interfaces = {name.partition(".")[2] for name in shown if name.startswith("interfaces.")}
    assert of_interfaces == set(tokred.interfaces.__all__) - set(tokred.__all__)
    assert len(shown) == len(set(shown))


@pytest.mark.parametrize("module", ["tokred", "tokred.interfaces", *(f"tokred.{name}" for name in WHOLE)])
def test_every_public_name_is_documented(module: str) -> None:
    public = importlib.import_module(module)
    own = [name for name, value in vars(public).items() if getattr(value, "__module__", "") == module]
    for name in getattr(public, "__all__", own):
        value = getattr(public, name)
        if isinstance(value, type) or inspect.isfunction(value):
            assert inspect.getdoc(value), name
        for member, method in vars(value).items() if isinstance(value, type) else ():
            written = isinstance(method, property) or (inspect.isfunction(method) and method.__name__ == member)
            if written and not member.startswith("_"):
                assert inspect.getdoc(method), f"{name}.{member}"


def test_the_page_of_checks_lists_every_check() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \|$", (ROOT / "docs" / "checks.md").read_text(), re.MULTILINE)
    parts = "similarity, matcher, scheduler, recovery, signal"
    kinds = {check.name: ", ".join(check.kinds).replace(parts, "all parts") for check in CHECKS}
    assert rows == [(check.name, kinds[check.name], check.promise) for check in CHECKS]


def test_the_page_on_composing_names_every_part() -> None:
    page = (ROOT / "docs" / "compose.md").read_text()
    for kind in ("similarity", "matcher", "scheduler", "recovery"):
        for registered in components(kind):  # type: ignore[arg-type]
            assert f"`{registered.component.name}`" in page
            assert f"`{registered.load().__name__}(" in page


def test_the_method_in_forty_lines_has_no_more_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = ROOT / "docs" / "examples" / "forty_lines.py"
    assert len(path.read_text().splitlines()) <= 40
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    labels = [line.partition(" compute ")[0].strip() for line in capsys.readouterr().out.splitlines()]
    assert labels == ["nearness", "dito ratio=0.5 dense_first=2", "fewer_steps share=0.75"]


FIRST_SCREEN = (ROOT / "README.md").read_text().partition("\n## ")[0]


def test_readme_begins_with_one_screen() -> None:
    shown = re.sub(r"<!--.*?-->|\]\([^)]*\)", "", FIRST_SCREEN, flags=re.DOTALL)
    assert len(shown.split()) <= 300
    assert len(re.findall(r"(?<![\w.])\d[\d,.]*", shown)) <= 30
    for needed in ("import tokred", "from_pretrained", 'tokred.apply(pipe, "balanced")', "make bench", "make test"):
        assert needed in shown, needed
    assert len([line for line in shown.splitlines() if line.startswith("| ")]) == 5, "a head and four rows"


def test_every_page_is_in_the_navigation() -> None:
    named = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text()))
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert named == {page for page in pages if not page.startswith("examples/")}
