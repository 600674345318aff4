"""What the classifier learns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from classify import ClassifyTask, accuracy, shifted
from data import LabelledImages, load_fashion
from export import Places, export_model
from tokred.errors import SpecError
from tokred.zoo import ZooModel
from tokred.zoo.load import load, read_tensors

CONFIG: dict[str, Any] = {
    "family": "vit",
    "summary": "Tells two things apart.",
    "notice": "fashion-mnist",
    "seed": 0,
    "data": {"array": "fashion_mnist28.npz", "part": "train", "mirror": True},
    "model": {"img_size": 8, "patch_size": 2, "in_chans": 1, "embed_dim": 16, "depth": 2, "num_heads": 2},
    "train": {"lr": 1e-3, "smoothing": 0.1, "shift": 1},
    "phases": [{"steps": 5, "batch": 4, "drop": 0.75}],
    "sampling": {"steps": 1, "guidance": 1.0},
}


def pictures(count: int, seed: int) -> LabelledImages:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, 1, 8, 8), dtype=torch.uint8, generator=generator)
    return LabelledImages(images, torch.arange(count) % 2, ["dark", "light"], mirror=False)


@pytest.fixture
def task() -> ClassifyTask:
    torch.manual_seed(0)
    return ClassifyTask(CONFIG, pictures(6, 0), pictures(7, 1))


def test_phase_leaves_out_its_share_of_the_patches(task: ClassifyTask) -> None:
    seen: list[int] = []
    model: Any = task.build()
    model.blocks[0].register_forward_pre_hook(lambda module, args: seen.append(args[0].shape[1]))
    for drop in (0.75, 0.5, 0.0):
        task.loss(model, {"batch": 4, "drop": drop}, "cpu")
    model.eval()(torch.zeros(1, 1, 8, 8))
    assert seen == [1 + 4, 1 + 8, 1 + 16, 1 + 16]


def test_loss_is_the_smoothed_cross_entropy(task: ClassifyTask) -> None:
    class Sure(torch.nn.Module):
        patch_drop = torch.nn.Identity()

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.tensor([2.0, -1.0]).expand(len(images), 2)

    task.data = LabelledImages(task.data.images, torch.zeros(6, dtype=torch.long), ["dark", "light"], mirror=False)
    logs = torch.log_softmax(torch.tensor([2.0, -1.0]), 0)
    expected = -(0.95 * logs[0] + 0.05 * logs[1])
    torch.testing.assert_close(task.loss(Sure(), {"batch": 4, "drop": 0.5}, "cpu"), expected)


def test_shift_moves_each_picture_by_itself_within_bounds() -> None:
    torch.manual_seed(0)
    images = torch.full((200, 1, 5, 5), -1.0)
    images[:, :, 2, 2] = 1.0
    moved = shifted(images, 1)
    assert moved.shape == images.shape
    assert (moved == 1).sum(dim=(1, 2, 3)).tolist() == [1] * 200
    places = {tuple(place) for place in (moved[:, 0] == 1).nonzero()[:, 1:].tolist()}
    assert places == {(row, column) for row in (1, 2, 3) for column in (1, 2, 3)}
    assert torch.equal(shifted(images, 0), images)


def test_accuracy_counts_the_first_ones() -> None:
    class Brightness(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            mean = images.mean(dim=(1, 2, 3))
            return torch.stack([-mean, mean], dim=1)

    images = torch.zeros(600, 1, 2, 2, dtype=torch.uint8)
    images[300:] = 255
    labels = torch.ones(600, dtype=torch.long)
    labels[:60] = 0
    test = LabelledImages(images, labels, ["dark", "light"], mirror=False)
    assert accuracy(Brightness(), test, 600) == (60 + 300) / 600
    assert accuracy(Brightness(), test, 100) == 60 / 100


def test_arrays_are_told_apart() -> None:
    arrays = {"images": "train", "labels": [0, 1], "test_images": "test", "test_labels": [1]}
    arrays |= {
        key: torch.zeros(len(arrays[key.replace("images", "labels")]), 28, 28).byte().numpy()
        for key in ("images", "test_images")
    }
    arrays |= {key: torch.tensor(arrays[key]).numpy() for key in ("labels", "test_labels")}
    for part, labels in (("train", [0, 1]), ("test", [1])):
        found = load_fashion(arrays, part, mirror=False)
        assert (found.labels.tolist(), found.images.shape[1:]) == (labels, (1, 28, 28))


def test_export_ships_test_pictures_and_measures_on_all(task: ClassifyTask, tmp_path: Path) -> None:
    model = task.build()
    facts = {"steps": 5, "pictures_seen": 20, "seconds": 60, "losses": [(1, 0.5)], "parameters": 9, "device": "abacus"}
    places = Places.of(tmp_path, "tiny-vit")
    export_model("tiny-vit", task, model, CONFIG, facts | {"versions": {"torch": "9"}}, places)
    shipped = ZooModel.read(places.package)
    assert (shipped.draws, shipped.tokens, shipped.size, shipped.steps) == (False, 16, 8, 1)
    tensors = read_tensors(shipped, "test.safetensors")
    assert torch.equal(tensors["images"], task.test.images)
    assert torch.equal(tensors["labels"], task.test.labels)
    loaded: Any = load(shipped)
    with torch.no_grad():
        right = (loaded(task.test.images.float() / 127.5 - 1).argmax(1) == task.test.labels).double().mean().item()
    record = json.loads((places.package / "training.json").read_text())
    assert record["accuracy"] == {"top1": right, "pictures": 7}
    card = (places.package / "card.md").read_text()
    assert f"**Top-1: {right:.2%}** of the 7 test pictures" in card
    assert "Zalando" in card
    with pytest.raises(SpecError, match="'tiny-vit' does not draw: it is a classifier"):
        shipped.generate(loaded, [0], 1)  # type: ignore[arg-type]
