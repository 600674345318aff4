"""`tokred analyze`: what it writes and says, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.image import imread

from tokred.analysis import read_analysis
from tokred.analysis.page import page
from tokred.zoo import catalog

Tokred = Callable[..., Any]
PLOTS = ("correlations", "errors", "failures", "frequency", "layers", "pairs")


@pytest.fixture
def command(tokred: Tokred, models: Path, monkeypatch: pytest.MonkeyPatch) -> Tokred:
    monkeypatch.setattr(catalog, "MODELS", models)
    return lambda *arguments: tokred("analyze", *arguments)


@pytest.mark.parametrize("model", ["tiny-dit", "tiny-flux"])
def test_page_plots_and_numbers_are_written(command: Tokred, tmp_path: Path, model: str) -> None:
    out = tmp_path / "new" / "folder"
    done = command("--model", model, "--out", out, "--steps", 10, "--samples", 2, "--seed", 3, "--lags", "1,3")
    assert done.exit_code == 0, done.output
    analysis = read_analysis(out / "analysis.json")
    settings = analysis.settings
    assert (analysis.model, settings.steps, settings.seeds, settings.lags) == (model, 10, (3, 4), (1, 3))
    numbers = "--steps 10 --samples 2 --seed 3 --lags 1,3 --ratio 0.5 --device cpu"
    assert settings.command == f"tokred analyze --model {model} {numbers} --out {out}"
    assert (out / "index.md").read_text() == page(analysis)
    assert settings.command in page(analysis)
    written = sorted(path.name for path in out.iterdir())
    assert written == sorted(["analysis.json", "index.md", *(f"{name}.png" for name in PLOTS)])
    for name in PLOTS:
        assert imread(out / f"{name}.png").ndim == 3
        assert (out / f"{name}.png").stat().st_size < 200_000
    assert done.stdout.splitlines()[0] == f"dense, seeds 3 to {settings.batches[0][-1]}"
    assert f"Written to {out}: analysis.json, index.md, correlations.png" in done.stdout


def test_the_same_command_gives_the_same_numbers(command: Tokred, tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        command("--model", "tiny-dit", "--out", tmp_path / name, "--steps", 6, "--samples", 2, "--lags", "1")
        found.append(read_analysis(tmp_path / name / "analysis.json"))
    assert found[0].curves == found[1].curves
    assert found[0].penalties == found[1].penalties


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--model": "tiny-dt"}, "Unknown zoo model 'tiny-dt'."),
        ({"--model": "tiny-vit"}, "'tiny-vit' does not draw: it is a classifier."),
        ({"--samples": 0}, "samples=0 must be an integer of at least 1"),
        ({"--samples": 10**9}, "samples=1000000000 is too many"),
        ({"--size": "8x8"}, "--size means nothing for --model tiny-dit. Leave it out."),
        ({"--model": "timm:vit_tiny_patch16_224"}, "does not draw: it looks at pictures."),
        ({"--lags": "1,x"}, "lags='1,x' cannot be read. Write numbers of steps, ascending, such as 1,2,4,8."),
        ({"--lags": "2,1"}, "lags=(2, 1) must be at least one number of steps, each at least 1, ascending."),
        ({"--lags": "40"}, "are too few to compare steps 40 apart"),
        ({"--ratio": 0.9}, "ratio=0.9 must be in (0, 0.75]"),
        ({"--seed": -1}, "seed=-1 must be in [0, 2**63)"),
        ({"--device": "tpu"}, "device='tpu' is not known. Allowed: cpu, cuda, cuda:1, mps"),
        ({"--out": "file"}, "--out file: it is a file."),
    ],
)
def test_a_refusal_is_one_message_and_nothing_is_drawn_or_written(
    command: Tokred, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setattr(torch.nn.Linear, "forward", lambda *_: pytest.fail("something was drawn"))
    options = {"--model": "tiny-dit", "--steps": 10, "--out": "out"} | changes
    result = command(*(word for option in options.items() for word in option))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert message in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
