"""`demo`, `calibrate` and `analyze` take the pipelines that `bench` and `tune` take, with the numbers of the zoo's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench.tiny import CLASSES, NAME
from bench.tiny_saved import PIPELINES
from matplotlib.image import imread

from tokred.analysis import read_analysis
from tokred.bench import load_subject
from tokred.zoo.spread import asked

Tokred = Callable[..., Any]


@pytest.fixture
def own(tokred: Tokred, tmp_path: Path) -> tuple[Any, ...]:
    """The options that name the tiny model of the zoo by the folder that it was saved to."""
    load_subject(NAME).model.save_pretrained(tmp_path / "pipe")
    (tmp_path / "prompts.txt").write_text("\n".join(asked(CLASSES, range(len(CLASSES)))))
    return "--model", tmp_path / "pipe", "--prompts", tmp_path / "prompts.txt", "--call", "guidance_scale=1.0"


def done(result: Any) -> Any:
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result


def test_a_saved_pipeline_is_calibrated_as_the_zoos(tokred: Tokred, own: tuple[Any, ...], tmp_path: Path) -> None:
    small = ("--steps", 8, "--samples", 2, "--threshold", 0.05)
    done(tokred("calibrate", "--model", NAME, *small, "--out", tmp_path / "zoo.json"))
    done(tokred("calibrate", *own, "--batch", 4, *small, "--out", tmp_path / "own.json"))
    zoo, mine = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("zoo", "own"))
    assert mine == zoo | {"model": str(tmp_path / "pipe")}


def test_a_saved_pipeline_is_analyzed_as_the_zoos(tokred: Tokred, own: tuple[Any, ...], tmp_path: Path) -> None:
    small = ("--steps", 6, "--samples", 2, "--lags", 1)
    done(tokred("analyze", "--model", NAME, *small, "--out", tmp_path / "zoo"))
    done(tokred("analyze", *own, "--batch", 4, *small, "--out", tmp_path / "own"))
    zoo, mine = (read_analysis(tmp_path / name / "analysis.json") for name in ("zoo", "own"))
    assert (mine.curves, mine.penalties, mine.failures) == (zoo.curves, zoo.penalties, zoo.failures)
    again = mine.settings.command.split()[1:]
    assert again[again.index("--batch") + 1] == "4"
    done(tokred(*again[:-1], tmp_path / "again"))
    assert read_analysis(tmp_path / "again" / "analysis.json").curves == mine.curves


def test_a_saved_pipeline_draws_the_demo_of_the_zoos(tokred: Tokred, own: tuple[Any, ...], tmp_path: Path) -> None:
    small = ("--method", "dito:ratio=0.5", "--steps", 3, "--seed", 1)
    (name,) = asked(CLASSES, [1])
    done(tokred("demo", name, "--model", NAME, *small, "--out", tmp_path / "zoo.png"))
    done(tokred("demo", *own, *small, "--out", tmp_path / "prompts.png"))
    done(tokred("demo", name, "--model", tmp_path / "pipe", *own[4:], *small, "--out", tmp_path / "named.png"))
    zoo, *mine = (imread(tmp_path / f"{each}.png")[150:450] for each in ("zoo", "prompts", "named"))
    assert all((each == zoo).all() for each in mine)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "more"), [("sdxl", ()), ("wan", ("--frames", 5))])
def test_other_families_are_watched_as_well(tokred: Tokred, tmp_path: Path, name: str, more: tuple[Any, ...]) -> None:
    """A UNet with grids of two sizes and no `transformer`, and video, which an analysis refuses."""
    PIPELINES[name].pipe().save_pretrained(tmp_path / "pipe")
    own = ("--model", tmp_path / "pipe", "--size", "64x64", *more)
    (tmp_path / "prompts.txt").write_text("a fox\n")
    asks = ("--prompts", tmp_path / "prompts.txt", "--samples", 1)
    random = ("--method", "random:ratio=0.25", "--steps", 2)
    assert "dB" in done(tokred("demo", "a fox", *own, *random, "--out", tmp_path / "demo.png")).output
    done(tokred("calibrate", *own, *asks, "--steps", 4, "--out", tmp_path / "schedule.json"))
    assert json.loads((tmp_path / "schedule.json").read_text())["matches"]
    analyzed = tokred("analyze", *own[:4], *asks, "--steps", 6, "--lags", 1, "--out", tmp_path / "out")
    if more:
        assert (analyzed.exit_code, "draws clips, and an analysis looks at pictures" in analyzed.stderr) == (2, True)
    else:
        done(analyzed)
        assert read_analysis(tmp_path / "out" / "analysis.json").watched.patch > 1
