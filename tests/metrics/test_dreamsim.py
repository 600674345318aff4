"""DreamSim: what its package is handed, and what is said where something is missing."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tokred.bench.measures import known_metric
from tokred.errors import WeightsError


def distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Stand in for the network, whose checkpoints are 1 GB: the mean difference of what it is shown."""
    assert a.shape[1:] == b.shape[1:] == (3, 224, 224)
    return (a - b).abs().mean(dim=(1, 2, 3))


def test_the_package_sees_both_pictures_at_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def load(**given: Any) -> tuple[Any, None]:
        asked.update(given)
        return distance, None

    monkeypatch.setitem(sys.modules, "dreamsim", SimpleNamespace(dreamsim=load))
    (tmp_path / "dino_vitb16_single_lora").mkdir()
    measure = known_metric(f"dreamsim:weights={tmp_path},variant=dino_vitb16").load()
    assert asked == {"pretrained": True, "device": "cpu", "cache_dir": str(tmp_path), "dreamsim_type": "dino_vitb16"}
    grey, white = torch.full((2, 3, 20, 30), 0.5), torch.ones(2, 3, 20, 30)
    assert measure(grey, white).tolist() == pytest.approx([0.5, 0.5])
    assert measure(grey, grey).tolist() == [0, 0]


def test_what_is_missing_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match=r"^dreamsim needs the package dreamsim, and .*: dreamsim:weights"):
        known_metric("dreamsim").load()
    with pytest.raises(WeightsError, match="ensemble_lora is not there"):
        known_metric(f"dreamsim:weights={tmp_path}").load()
    (tmp_path / "ensemble_lora").mkdir()
    monkeypatch.setitem(sys.modules, "dreamsim", None)
    with pytest.raises(WeightsError, match="^dreamsim needs the package dreamsim"):
        known_metric(f"dreamsim:weights={tmp_path}").load()
