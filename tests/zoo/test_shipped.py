"""The models as they are shipped: small enough, whole, described, and the same at every loading."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tokred.zoo import ZooModel, load_model, zoo_models
from tokred.zoo.adapter import adapted
from tokred.zoo.catalog import find_model
from tokred.zoo.load import read_tensors

ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000
every_model = pytest.mark.parametrize("model", zoo_models(), ids=lambda model: model.name)


def network(model: ZooModel) -> torch.nn.Module:
    """Return all that was trained, under the names of the weights file."""
    loaded: Any = load_model(model.name)
    if not model.draws:
        return loaded  # type: ignore[no-any-return]
    encoder = getattr(loaded, "text_encoder", None)
    whole = {"transformer": loaded.transformer, "text": encoder}
    return torch.nn.ModuleDict(whole) if encoder else loaded.transformer  # type: ignore[no-any-return, arg-type]


@every_model
def test_every_loading_gives_the_file_bit_for_bit(model: ZooModel) -> None:
    weights = read_tensors(model, "weights.safetensors")
    if model.adapts:
        weights = adapted(read_tensors(find_model(model.adapts), "weights.safetensors"), weights)
    for _ in range(2):
        loaded = network(model).state_dict()
        assert loaded.keys() == weights.keys()
        assert all(torch.equal(tensor, weights[name].float()) for name, tensor in loaded.items())


@every_model
def test_description_is_true(model: ZooModel) -> None:
    trained = read_tensors(model, "weights.safetensors").values() if model.adapts else network(model).parameters()
    assert sum(parameter.numel() for parameter in trained) == model.parameters
    tokens = {"emoji-dit": 256, "emoji-sd3": 256, "emoji-flux": 1024, "emoji-edit": 2048}
    tokens |= {"emoji-turbo": 1024, "emoji-clip": 1536}
    assert model.tokens == (tokens | {"fashion-vit": 196})[model.name]


@every_model
def test_two_steps_are_the_same_in_two_loadings(model: ZooModel) -> None:
    if model.draws:
        first, second = (model.generate(load_model(model.name), [5, 6], steps=2) for _ in range(2))
    else:
        images = read_tensors(model, "test.safetensors")["images"][:4].float() / 127.5 - 1
        with torch.no_grad():
            first, second = (load_model(model.name)(images) for _ in range(2))
    assert torch.equal(first, second)


@every_model
def test_card_and_pictures_are_there(model: ZooModel) -> None:
    card = (model.folder / "card.md").read_text()
    record = json.loads((model.folder / "training.json").read_text())
    notice = (model.folder / "NOTICE.txt").read_text()
    told = (
        notice,
        f"{model.parameters:,} parameters",
        f"| steps | {record['steps']:,} of ",
        model.files.sha256["weights.safetensors"],
    )
    assert all(text in card for text in (*told, f"| final loss | {record['final_loss']['mean']:.4f} "))
    pictures = {"loss.png", "sheet.png"} if model.draws else {"loss.png"}
    assert pictures <= {path.name for path in (ROOT / "docs" / "models" / model.name).iterdir()}


def test_all_models_are_small() -> None:
    sizes = {model.name: sum(path.stat().st_size for path in model.folder.iterdir()) for model in zoo_models()}
    assert all(size <= 25 * MEGABYTE for size in sizes.values()), sizes
    weights = [model.folder / "weights.safetensors" for model in zoo_models()]
    assert sum(path.stat().st_size for path in weights) <= 60 * MEGABYTE, sizes


def test_classifier_is_as_good_as_its_card_says_on_the_shipped_pictures() -> None:
    for model in (model for model in zoo_models() if not model.draws):
        test = read_tensors(model, "test.safetensors")
        with torch.no_grad():
            found = load_model(model.name)(test["images"][:500].float() / 127.5 - 1).argmax(1)
        top1 = (found == test["labels"][:500]).double().mean().item()
        record = json.loads((model.folder / "training.json").read_text())
        assert top1 == pytest.approx(record["accuracy"]["top1"], abs=0.04)
