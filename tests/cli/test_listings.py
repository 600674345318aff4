"""`tokred methods`, `tokred models`, `tokred plugins`, `tokred --version`."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from bench.tiny import NAME
from demo.tiny_models import write_tiny_models

from tokred import listing
from tokred.bench import parse_contenders
from tokred.registry import KINDS, Provider, components, default_registry, families
from tokred.zoo import catalog


@pytest.fixture
def three_models(tokred: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put three tiny models in the place of the zoo."""
    monkeypatch.setattr(catalog, "MODELS", write_tiny_models(tmp_path))


def words(text: str) -> set[str]:
    return set(text.split())


def test_version(tokred: Callable[..., Any]) -> None:
    result = tokred("--version")
    assert (result.exit_code, result.stdout) == (0, f"tokred {version('tokred')}\n")


def test_methods_and_baselines_are_listed_whole(tokred: Callable[..., Any]) -> None:
    result = tokred("methods")
    assert result.exit_code == 0
    for kind in ("method", "baseline"):
        for registered in components(kind):  # type: ignore[arg-type]
            component = registered.component
            assert {component.name, kind, *component.summary.split(), registered.provider.version} <= words(
                result.stdout
            )


@pytest.mark.parametrize("kind", ["method", "baseline"])
def test_one_is_described_with_what_can_be_written(
    tokred: Callable[..., Any], kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "MODELS", catalog.folder() / "models")  # one comes with weights
    for registered in components(kind):
        result = tokred("methods", registered.component.name)
        assert result.exit_code == 0
        factory = registered.component.load()
        assert inspect.getdoc(factory).splitlines()[0] in result.stdout
        assert set(inspect.signature(factory).parameters) <= words(result.stdout)
        runs = [line.split()[1] for line in result.stdout.splitlines() if line.startswith("  --method ")]
        same = parse_contenders([registered.component.name])
        assert [contender.label for contender in parse_contenders(runs)] == [contender.label for contender in same]


def test_a_method_tells_its_defaults_and_choices(tokred: Callable[..., Any]) -> None:
    rows = [line.split() for line in tokred("methods", "dito").stdout.splitlines()]
    assert ["ratio", "0.5", "a", "number"] in rows
    assert ["stride", "2x2", "whole", "numbers,", "such", "as", "2x4"] in rows
    sites = next(row for row in rows if row[:1] == ["sites"])
    assert sites == [
        "sites",
        "attn+mlp",
        "attn,",
        "mlp,",
        "block,",
        "kv,",
        "stream,",
        "model;",
        "several",
        "joined",
        "by",
    ]
    assert ["keys", "kept", "kept,", "weighted,", "full,", "recovered"] in rows


def test_an_unknown_method_is_refused(tokred: Callable[..., Any]) -> None:
    result = tokred("methods", "ditoo")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Unknown method or baseline 'ditoo'" in result.stderr
    assert "Did you mean 'dito'?" in result.stderr


def test_models(tokred: Callable[..., Any]) -> None:
    result = tokred("models")
    assert result.exit_code == 0
    assert {NAME, "Noise.", "trained", "DiTTransformer2DModel", "FluxTransformer2DModel"} <= words(result.stdout)


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize(
    ("name", "knows", "last"),
    [
        ("tiny-dit", ["3 classes: fox, bear, tiger"], ["4", "steps,", "guidance", "1"]),
        (
            "tiny-flux",
            [
                "3 prompts that it was trained on: red heart, green apple, heart with arrow",
                "6 words that prompts can use: apple, arrow, green, heart, red, with",
            ],
            ["4", "steps,", "guidance", "1"],
        ),
        ("tiny-vit", ["3 classes: fox, bear, tiger"], []),
    ],
)
def test_a_trained_model_tells_what_it_is_and_knows(
    tokred: Callable[..., Any], three_models: None, name: str, knows: list[str], last: list[str]
) -> None:
    result = tokred("models", name)
    assert result.exit_code == 0
    kind = name.removeprefix("tiny-")
    told = lines(result.stdout)
    assert result.stdout.startswith(f"{name}, a trained model: Noise by {kind}.\n")
    assert ["family", kind] in told
    assert ["parameters", "12,345"] in told
    assert ["picture", "8", "x", "8", "pixels,", "16", "tokens"] in told
    assert (["sampling", *last] in told) == bool(last)
    for known in knows:
        assert known in " ".join(result.stdout.split())


def test_a_model_that_draws_tells_how_to_draw_with_it(tokred: Callable[..., Any], three_models: None) -> None:
    command = 'tokred demo "red heart" --model tiny-flux --out picture.png'
    assert tokred("models", "tiny-flux").stdout.splitlines()[-1] == f"Draw with it: {command}"
    assert "tokred demo" not in tokred("models", "tiny-vit").stdout


def test_an_unknown_model_is_refused(tokred: Callable[..., Any], three_models: None) -> None:
    result = tokred("models", "tiny-flax")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Unknown zoo model 'tiny-flax'. Known: tiny-dit, tiny-flux, tiny-vit." in result.stderr


def test_plugins_of_every_kind(tokred: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")  # narrower ones break the longest names
    result = tokred("plugins")
    assert result.exit_code == 0
    for kind in KINDS:
        for registered in components(kind):
            assert {kind, registered.component.name, registered.component.target} <= words(result.stdout)


def test_plugins_that_failed_are_told(tokred: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    problem = (Provider("tokred-foo", "0.2"), "ImportError: No module named 'foo[bar]'")
    monkeypatch.setattr(default_registry(), "problems", [problem])
    assert "tokred-foo 0.2 failed to load: ImportError: No module named 'foo[bar]'" in tokred("plugins").stdout


def test_a_method_without_parameters_prints_no_empty_table(tokred: Callable[..., Any]) -> None:
    told = tokred("methods", "balanced").stdout
    assert told.splitlines()[-2:] == ["Standard run of tokred bench:", "  --method balanced"]
    assert not {"parameter", "default"} & words(told)


def test_families_are_listed_by_the_classes_that_they_describe() -> None:
    listed = {each.name for each in listing.models() if each.kind == "family"}
    assert listed == {name.rpartition(".")[2] for family in families() for name in family.models}


def test_python_m_tokred() -> None:
    done = subprocess.run([sys.executable, "-m", "tokred", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"tokred {version('tokred')}\n"


def test_help_and_listings_wait_for_no_heavy_library() -> None:
    code = """
import sys
from typer.testing import CliRunner
from tokred.cli.app import app
for command in ("bench --help", "demo --help", "--version", "methods", "models", "models emoji-dit"):
    assert CliRunner().invoke(app, command.split()).exit_code == 0
print(sorted({"torch", "diffusers", "timm", "matplotlib", "tokred.bench"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
