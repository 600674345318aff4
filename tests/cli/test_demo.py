"""`tokred demo`: what it writes and says, and what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from demo.tiny_models import STEPS
from matplotlib.image import imread

from tokred import Component, Method
from tokred.registry import Provider, Registered, build_method, default_registry
from tokred.zoo import ZooModel, catalog

Tokred = Callable[..., Any]


def plain(*, interval: int = 2) -> Method:
    return build_method("dito", {"interval": interval})


@pytest.fixture
def demo(tokred: Tokred, models: Path, monkeypatch: pytest.MonkeyPatch) -> Tokred:
    """Run `tokred demo`, with three tiny models as its zoo."""
    monkeypatch.setattr(catalog, "MODELS", models)
    return lambda *arguments: tokred("demo", *arguments)


@pytest.mark.parametrize(("model", "name"), [("tiny-dit", "tiger"), ("tiny-flux", "red apple")])
def test_a_picture_is_written_and_summed_up(demo: Tokred, tmp_path: Path, model: str, name: str) -> None:
    out = tmp_path / "demo.png"
    result = demo(name, "--model", model, "--method", "dito", "--ratio", 0.5, "--seed", 7, "--out", out)
    assert result.exit_code == 0, result.output
    said, written = result.stdout.splitlines()
    seen = "(no visible difference|small differences|visible differences)"
    numbers = rf"\d+\.\dx (faster|slower), \d+ dB: {seen} \(\d+\.\d\d s, dense \d+\.\d\d s; 0\.\d\d of the FLOPs\)"
    assert re.fullmatch(rf"{model}: '{name}', {STEPS} steps, seed 7; dito ratio=0\.5: {numbers}", said)
    assert written == f"Written to {out}"
    assert result.stderr == ""
    assert imread(out).shape[:2] == (660, 1650)


def test_the_same_command_gives_the_same_numbers(demo: Tokred, tmp_path: Path) -> None:
    command = ("fox", "--model", "tiny-dit", "--method", "dito", "--out", tmp_path / "demo.png")
    first, second, other = (
        imread(tmp_path / "demo.png")[150:450] for seed in (0, 0, 1) if not demo(*command, "--seed", seed).exit_code
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("options", "label"),
    [
        ([], "balanced"),
        (["--method", "tomesd"], "tomesd"),
        (["--method", "dito:interval=3,ratio=0.75"], "dito interval=3 ratio=0.75"),
        (["--method", "dito:interval=3", "--ratio", 0.25], "dito interval=3 ratio=0.25"),
        (["--method", "dito:ratio=0.5", "--ratio", 0.5], "dito ratio=0.5"),
    ],
)
def test_the_method_is_the_one_that_is_named(demo: Tokred, tmp_path: Path, options: list[Any], label: str) -> None:
    result = demo("fox", "--model", "tiny-dit", "--steps", 6, "--out", tmp_path / "demo.PNG", *options)
    assert result.exit_code == 0, result.output
    assert f"6 steps, seed 0; {label}: " in result.stdout


def test_without_a_model_emoji_dit_draws(demo: Tokred, tmp_path: Path) -> None:
    result = demo("fox", "--out", tmp_path / "demo.png")
    assert "Unknown zoo model 'emoji-dit'. Known: tiny-dit, tiny-flux, tiny-vit." in result.stderr


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("fox", {"--model": "tiny-dt"}, "Unknown zoo model 'tiny-dt'."),
        ("fox", {"--model": "tiny-vit"}, "'tiny-vit' does not draw: it is a classifier. Models that draw: tiny-dit"),
        ("fx", {}, "Unknown class 'fx'. Known: bear, fox, tiger. Did you mean 'fox'?"),
        ("red appel", {"--model": "tiny-flux"}, "words that the model does not know: 'appel' (nearest: apple)"),
        ("fox", {"--method": "ditto"}, "Unknown method or baseline 'ditto'."),
        ("fox", {"--method": "fewer_steps"}, "'fewer_steps' is a baseline and reduces no tokens"),
        ("fox", {"--method": "dito:rate=0.5"}, "Unknown parameter of method 'dito': 'rate'."),
        ("fox", {"--method": "dito:ratio=half"}, "ratio=half cannot be read"),
        ("fox", {"--method": "dito", "--ratio": 1.2}, "ratio=1.2 must be a number in [0, 1]"),
        ("fox", {"--method": "dito", "--ratio": "nan"}, "ratio=nan must be a number in [0, 1]"),
        ("fox", {"--method": "dito", "--ratio": 0.8}, "at most 0.75 of the tokens can be removed"),
        ("fox", {"--method": "dito:ratio=0.5", "--ratio": 0.25}, "--ratio 0.25 and --method dito:ratio=0.5 name two"),
        ("fox", {"--steps": 0}, "steps=0 must be an integer of at least 1"),
        ("fox", {"--model": "hf:google/vit"}, "'hf:google/vit' does not draw: it looks at pictures."),
        ("fox", {"--prompts": "x.txt"}, "'fox' and --prompts x.txt both say what is asked for: give one."),
        ("fox", {"--dtype": "int8"}, "dtype='int8' is not known. Allowed: float32, bfloat16, float16."),
        ("fox", {"--seed": -1}, "seed=-1 must be in [0, 2**63)"),
        ("fox", {"--device": "tpu"}, "device='tpu' is not known. Allowed: cpu, cuda, cuda:1, mps"),
        ("fox", {"--out": "demo.jpg"}, "--out demo.jpg is not a .png. Name a file that ends in .png."),
        ("fox", {"--out": "demo"}, "--out demo is not a .png."),
        ("fox", {"--out": "none/demo.png"}, "--out none/demo.png: there is no folder none."),
        ("fox", {"--out": "folder.png"}, "--out folder.png is a folder."),
    ],
)
def test_a_refusal_is_one_message_and_nothing_is_drawn_or_written(
    demo: Tokred,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    changes: dict[str, Any],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.png").mkdir()
    monkeypatch.setattr(torch.nn.Linear, "forward", lambda *_: pytest.fail("something was drawn"))
    options = {"--model": "tiny-dit", "--out": "demo.png"} | changes
    result = demo(name, *(word for option in options.items() for word in option))
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("tokred: ")
    assert message in result.stderr
    assert (result.stderr.count("\n"), result.stdout) == (1, "")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_a_method_without_a_ratio_takes_none(demo: Tokred, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain_method = Registered(Component("method", "plain", f"{__name__}:plain", ""), Provider("tokred-plain", "1"))
    monkeypatch.setitem(default_registry()._components, ("method", "plain"), plain_method)
    command = ("fox", "--model", "tiny-dit", "--method", "plain", "--out", tmp_path / "demo.png")
    assert demo(*command).exit_code == 0
    refused = demo(*command, "--ratio", 0.5)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == "tokred: Unknown parameter of method 'plain': 'ratio'. Known: interval.\n"


def test_pictures_are_of_the_name_that_was_given(demo: Tokred, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []
    draw = ZooModel.draw
    monkeypatch.setattr(ZooModel, "draw", lambda *given: asked.append(given[2:]) or draw(*given))
    demo("bear", "--model", "tiny-dit", "--seed", 5, "--steps", 3, "--out", tmp_path / "demo.png")
    assert asked[-2:] == [(["bear"], [5], 3)] * 2
