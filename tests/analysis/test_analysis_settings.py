"""How much is watched, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tokred import SpecError
from tokred.analysis import settings_for
from tokred.zoo import ZooModel


def test_defaults_and_batches(tiny_models: Path) -> None:
    settings = settings_for(ZooModel.read(tiny_models / "tiny-dit"), steps=9, samples=6, seed=3)
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
def test_what_is_out_of_range_is_refused(tiny_models: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        settings_for(ZooModel.read(tiny_models / "tiny-dit"), **{"steps": 30} | given)


def test_a_classifier_is_refused(tiny_models: Path) -> None:
    with pytest.raises(SpecError, match="'tiny-vit' does not draw"):
        settings_for(ZooModel.read(tiny_models / "tiny-vit"))
