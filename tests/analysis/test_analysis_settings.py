"""How much is watched, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tokred import SpecError
from tokred.analysis import settings_for
from tokred.bench import Subject, vision_subject
from tokred.bench.drawing import DrawingSubject
from tokred.zoo import ZooModel
from tokred.zoo.load import load


@pytest.fixture(scope="module")
def subject(tiny_models: Path) -> Subject:
    model = ZooModel.read(tiny_models / "tiny-dit")
    return DrawingSubject(model, load(model))


def test_defaults_and_batches(subject: Subject) -> None:
    settings = settings_for(subject, steps=9, samples=6, seed=3)
    assert (settings.steps, settings.lags, settings.ratio) == (9, (1, 2, 4, 8), 0.5)
    assert settings.batches == [(3, 4, 5, 6), (7, 8)]
    assert settings.penalties[0] == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"samples": 0}, "samples=0 must be an integer of at least 1: the number of generations"),
        ({"ratio": 0.8}, r"ratio=0.8 must be in \(0, 0.75\]: the share of tokens removed"),
        ({"lags": ()}, r"lags=\(\) must be at least one number of steps"),
        ({"lags": (2, 1)}, r"lags=\(2, 1\) must be .*ascending"),
        ({"lags": (0, 1)}, r"lags=\(0, 1\) must be .*each at least 1"),
        ({"steps": 8}, "steps=8 are too few to compare steps 8 apart, .* Take at least 9, or smaller lags"),
        ({"steps": 4, "lags": (1,)}, "steps=4 are too few .* after 4 dense ones. Take at least 5"),
    ],
)
def test_what_is_out_of_range_is_refused(subject: Subject, given: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        settings_for(subject, **{"steps": 30} | given)


def test_what_looks_at_pictures_is_refused() -> None:
    subject = vision_subject(torch.nn.Linear(2, 2), torch.rand(1, 2), name="mine")
    with pytest.raises(SpecError, match="'mine' does not draw"):
        settings_for(subject)
