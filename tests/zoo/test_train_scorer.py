"""Training the predictors of `dynamicvit`."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import train_scorer
from data import LabelledImages
from tokred_adapters.tiny.vit import FASHION
from tokred_plugins.dynamicvit import PredictedMatcher
from tokred_plugins.scored import read_scorers
from train_scorer import Hiding, Recipe, facts, loss_of, train, write

(HOST,) = FASHION
RECIPE = Recipe(steps=4, batch=2)


@pytest.fixture
def hiding() -> Hiding:
    torch.manual_seed(0)
    return Hiding(HOST.model(), RECIPE.stages)


def pictures() -> LabelledImages:
    images = torch.randint(0, 256, (6, 3, 24, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return LabelledImages(images, torch.arange(6), [""] * 7, mirror=False)


def test_a_hidden_token_is_as_good_as_gone(hiding: Hiding) -> None:
    """The classes are those of the model on the tokens that stay, taken out by hand."""
    model: Any = hiding.model
    images, _ = pictures().batch(1, "cpu")
    with torch.no_grad():
        classes, _, stays = hiding(images)
        tokens, places = model._pos_embed(model.patch_embed(images)), torch.arange(48)
        for depth, block in enumerate(model.blocks):
            tokens = tokens + block.attn(block.norm1(tokens))
            if depth in hiding.depths:
                staying = stays[hiding.depths.index(depth)][0, places].bool()
                tokens, places = torch.cat([tokens[:, :1], tokens[:, 1:][:, staying]], dim=1), places[staying]
            tokens = tokens + block.mlp(block.norm2(tokens))
        expected = model.forward_head(model.norm(tokens))
    assert 0 < len(places) < 48
    assert all(bool((after <= before).all()) for before, after in pairwise(stays))
    torch.testing.assert_close(classes, expected, rtol=1e-3, atol=1e-3)


def test_the_predictors_alone_learn(hiding: Hiding) -> None:
    images, labels = pictures().batch(2, "cpu")
    loss_of(hiding, images, labels, RECIPE).backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is None for parameter in hiding.model.parameters())
    assert all(bool(p.grad.abs().sum() > 0) for stage in hiding.predictors for p in stage.leave.parameters())


def test_a_run_that_was_broken_off_goes_on(hiding: Hiding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_scorer, "CHECKPOINT_STEPS", 2)
    first = train(hiding, pictures(), 1, Recipe(steps=2, batch=2), tmp_path / "checkpoint.pt")
    other = Hiding(HOST.model(), RECIPE.stages)
    again = train(other, pictures(), 1, RECIPE, tmp_path / "checkpoint.pt")
    assert [step for step, _ in again.losses] == [2, 4]
    assert again.losses[0] == first.losses[0]


def test_what_is_written_can_be_read(hiding: Hiding, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps({"files": {"weights.safetensors": "0"}}))
    write(hiding.predictors, tmp_path)
    stages = read_scorers(str(tmp_path / "scorers.safetensors"), PredictedMatcher.scorer)
    stage: nn.Module
    for stage, tensors in zip(hiding.predictors, stages, strict=True):
        for name, parameter in stage.named_parameters():
            torch.testing.assert_close(tensors[name], parameter.detach(), rtol=1e-3, atol=1e-4)
    assert json.loads((tmp_path / "model.json").read_text())["files"].keys() == {
        "weights.safetensors",
        "scorers.safetensors",
    }


def test_a_run_is_recorded(hiding: Hiding) -> None:
    record = facts(RECIPE, train_scorer.Progress(4, 1.0, [(4, 0.5)]), {"dense": 0.9})
    assert json.loads(json.dumps(record))["recipe"]["steps"] == 4
