"""Two pictures of the same seed, and what is said of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from demo.tiny_models import STEPS

import tokred
from tokred import ConflictError, SpecError, UnknownName
from tokred.bench.drawing import DrawingSubject
from tokred.demo import Comparison, compare
from tokred.registry import build_method
from tokred.zoo import ZooModel
from tokred.zoo.load import load

Find = Callable[[str], ZooModel]
DITO = build_method("dito", {"ratio": 0.5})


def test_pictures_are_those_that_the_model_draws_alone(comparison: Comparison, tiny_models: Path) -> None:
    model = ZooModel.read(tiny_models / comparison.title.split(":")[0])
    pipe = load(model)
    dense = model.draw(pipe, [model.classes[1]], [3], STEPS)
    with tokred.apply(pipe, DITO) as run:
        reduced = model.draw(pipe, [model.classes[1]], [3], STEPS)
        kept = run.kept_tokens()
    assert torch.equal(comparison.dense, dense[0])
    assert torch.equal(comparison.reduced, reduced[0])
    assert comparison.tokens is not None
    assert comparison.tokens.kept.flatten().nonzero().flatten().tolist() == sorted(kept[comparison.tokens.site])
    assert comparison.report.compute == run.report().compute < comparison.compute < 1
    assert comparison.sites == len(run.sites)
    error = (comparison.dense.double() - comparison.reduced.double()).square().mean()
    assert comparison.psnr == pytest.approx(float(-10 * error.log10()), abs=1e-3)


def test_title_and_label(comparison: Comparison, tiny_models: Path) -> None:
    assert comparison.title in ("tiny-dit: 'bear', 4 steps, seed 3", "tiny-flux: 'green apple', 4 steps, seed 3")
    assert comparison.label == "dito ratio=0.5"
    model = ZooModel.read(tiny_models / "tiny-dit")
    subject = DrawingSubject(model, load(model), prompt="fox")
    assert compare(subject, DITO, steps=2).label == "dito"


def test_seconds_are_of_all_steps_and_not_of_the_first_calls(find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    model = find("tiny-dit")
    clock = iter([0.0, 100.0, 100.0, 190.0, 200.0, 203.0, 300.0, 302.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    drawn: list[int] = []

    def draw(self: ZooModel, pipe: Any, names: list[str], seeds: list[int], steps: int) -> torch.Tensor:
        drawn.append(steps)
        return torch.eye(8).mm(torch.zeros(8, 8)).expand(1, 3, 8, 8)

    monkeypatch.setattr(ZooModel, "draw", draw)
    comparison = compare(DrawingSubject(model, load(model), prompt="fox"), DITO, steps=5)
    assert drawn == [5, 5, 5, 5]
    assert (comparison.dense_seconds, comparison.reduced_seconds) == (3.0, 2.0)


@pytest.mark.parametrize(
    ("model", "name", "numbers", "params", "error", "message"),
    [
        ("tiny-dit", "fx", {}, {}, UnknownName, "Unknown class 'fx'. Known: bear, fox, tiger. Did you mean 'fox'?"),
        ("tiny-flux", "red aple", {}, {}, SpecError, r"'aple' \(nearest: apple\)"),
        ("tiny-dit", "fox", {"steps": 0}, {}, SpecError, "steps=0 must be at least 1"),
        ("tiny-dit", "fox", {"seed": -1}, {}, SpecError, r"seed=-1 must be in \[0, 2\*\*63\)"),
        ("tiny-dit", "fox", {"seed": 2**63}, {}, SpecError, r"must be in \[0, 2\*\*63\)"),
    ],
)
def test_refused_before_anything_is_drawn(
    find: Find,
    model: str,
    name: str,
    numbers: dict[str, int],
    params: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    described = find(model)
    pipe = load(described)
    pipe.transformer.register_forward_pre_hook(lambda *_: pytest.fail("something was drawn"))
    subject = DrawingSubject(described, pipe, prompt=name)
    with pytest.raises(error, match=message):
        compare(subject, build_method("dito", params), **{"steps": 2} | numbers)
    tokred.apply(pipe, DITO).remove()  # would refuse a pipeline that was left patched


def test_a_patched_pipeline_is_refused(find: Find) -> None:
    model = find("tiny-dit")
    pipe = load(model)
    with tokred.apply(pipe, DITO), pytest.raises(ConflictError, match="already applied"):
        compare(DrawingSubject(model, pipe, prompt="fox"), DITO, steps=2)
