"""A network that draws noise in no time and one that classifies it, alone and as models of the zoo."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tokred.bench.classifying import ClassifyingSubject
from tokred.bench.drawing import DrawingSubject
from tokred.zoo.catalog import Files, ZooModel
from tokred.zoo.dit import pipeline
from tokred.zoo.families import family
from tokred.zoo.load import load

NAME = "tiny-dit"
STEPS = 3
CLASSES = ("a", "b", "c", "d")
DIT: dict[str, Any] = {
    "num_attention_heads": 2,
    "attention_head_dim": 8,
    "in_channels": 3,
    "out_channels": 3,
    "num_layers": 2,
    "sample_size": 32,  # the least that LPIPS takes
    "patch_size": 4,
}
CLASSIFIER = "tiny-vit"
VIT: dict[str, Any] = {"img_size": 8, "in_chans": 1, "patch_size": 2, "embed_dim": 16, "depth": 2, "num_heads": 2}
PICTURES = 12
"""Test pictures of the classifier."""
WRONG = (0, 5, 10)
"""Those whose true class it does not rank first."""


@cache
def network(kind: str) -> torch.nn.Module:
    """Build a network of a family; its random weights are large enough for every token to matter."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        model = family(kind).build({"dit": DIT, "vit": VIT}[kind], CLASSES).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=generator)
    return model.half().float()


class TinySubject(DrawingSubject):
    """A subject that draws; remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(described(NAME, Path()), pipeline(network("dit"), CLASSES, 32))
        self.asked: list[tuple[tuple[int, ...], int]] = []

    def generate(self, seeds: Sequence[int], steps: int) -> torch.Tensor:
        self.asked.append((tuple(seeds), steps))
        return super().generate(seeds, steps)


def tiny_classifier(models: Path) -> ClassifyingSubject:
    """Load the classifier from the folder that `write_tiny_zoo` made."""
    zoo = ZooModel.read(models / CLASSIFIER)
    return ClassifyingSubject(zoo, load(zoo))


def described(name: str, folder: Path, files: dict[str, str] | None = None) -> ZooModel:
    """Describe one of the two models."""
    draws = name == NAME
    return ZooModel(
        name=name,
        summary="Noise.",
        family="dit" if draws else "vit",
        adapts="",
        config=DIT if draws else VIT,
        classes=CLASSES,
        size=32 if draws else 8,
        steps=STEPS if draws else 1,
        guidance=1.0,
        tokens=64 if draws else 16,
        parameters=1,
        files=Files(folder, files or {}),
    )


def write_tiny_zoo(models: Path) -> None:
    """Make `models` the folder of a zoo that holds the two."""
    _write(models / NAME, {"weights": _weights("dit")})
    _write(models / CLASSIFIER, {"weights": _weights("vit"), "test": _test_pictures()})


def _write(folder: Path, files: dict[str, dict[str, torch.Tensor]]) -> None:
    folder.mkdir(parents=True)
    digests = {}
    for file, tensors in files.items():
        path = folder / f"{file}.safetensors"
        save_file(tensors, path)
        digests[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    entries = vars(described(folder.name, folder, digests)) | {"classes": list(CLASSES), "files": digests}
    (folder / "model.json").write_text(json.dumps(entries))


def _weights(kind: str) -> dict[str, torch.Tensor]:
    return {name: tensor.half().contiguous() for name, tensor in network(kind).state_dict().items()}


@torch.no_grad()
def _test_pictures() -> dict[str, torch.Tensor]:
    """Draw noise, and call true what the network says, but for the pictures that it is to get wrong."""
    images = torch.randint(0, 256, (PICTURES, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    labels = network("vit")(images.float() / 127.5 - 1).argmax(dim=1)
    labels[list(WRONG)] = (labels[list(WRONG)] + 1) % len(CLASSES)
    return {"images": images, "labels": labels}
