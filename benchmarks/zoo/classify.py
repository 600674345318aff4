"""Classification: what a ViT of the zoo learns, and the accuracy that shows how far it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from timm.layers import PatchDropout

from data import LabelledImages
from tokred.zoo.catalog import ZooModel
from tokred.zoo.families import family
from tokred.zoo.load import load

SHOWN = 2000


class ClassifyTask:
    """Learning to tell classes apart; see `train.Task`.

    Args:
        config: the model's TOML file.
        data: what is trained on.
        test: what accuracy is measured on.
    """

    def __init__(self, config: dict[str, Any], data: LabelledImages, test: LabelledImages) -> None:
        self.config, self.data, self.test = config, data, test
        self.family = family(config["family"])

    def build(self) -> torch.nn.Module:
        """Build the untrained network, in training mode, in which it leaves patches out."""
        network: Any = self.family.build(self.config["model"], self.data.classes).train()
        network.patch_drop = PatchDropout(num_prefix_tokens=network.num_prefix_tokens)
        return cast(torch.nn.Module, network)

    def loss(self, model: torch.nn.Module, phase: dict[str, Any], device: str) -> torch.Tensor:
        """Take the smoothed cross-entropy of a batch, with the phase's share `drop` of the patches left out."""
        model.patch_drop.prob = phase["drop"]  # type: ignore[union-attr]
        images, labels = self.data.batch(phase["batch"], device)
        scores = model(shifted(images, self.config["train"]["shift"]))
        smoothing = self.config["train"]["smoothing"]
        return torch.nn.functional.cross_entropy(scores.float(), labels, label_smoothing=smoothing)

    def show(self, model: torch.nn.Module, folder: Path) -> str:
        """Say how many of the first test pictures the model gets right."""
        return f"{accuracy(model, self.test, SHOWN):.2%} of the first {SHOWN:,} test pictures are right"

    def weights(self, model: torch.nn.Module) -> dict[str, torch.Tensor]:
        """Return all of the network."""
        return model.state_dict()

    def tensors(self) -> dict[str, dict[str, torch.Tensor]]:
        """The first test pictures `[M, 1, H, W]` and their labels `[M]` go with the weights, for the benchmark."""
        images, labels = self.test.images[:SHOWN].contiguous(), self.test.labels[:SHOWN].contiguous()
        return {"test.safetensors": {"images": images, "labels": labels}}

    def judge(self, shipped: ZooModel, pictures: Path, device: str) -> dict[str, Any]:
        """Count the test pictures that the model gets right."""
        count = len(self.test.images)
        return {"accuracy": {"top1": accuracy(load(shipped, device), self.test, count), "pictures": count}}


def shifted(images: torch.Tensor, most: int) -> torch.Tensor:
    """Move each of `images` `[B, C, H, W]` by up to `most` pixels along each axis, over its own background of -1."""
    height, width = images.shape[-2:]
    padded = torch.nn.functional.pad(images, (most,) * 4, value=-1.0)
    down, right = torch.randint(2 * most + 1, (2, len(images), 1), device=images.device)
    rows = (down + torch.arange(height, device=images.device))[:, None, :, None]
    columns = (right + torch.arange(width, device=images.device))[:, None, None, :]
    batch = torch.arange(len(images), device=images.device)[:, None, None, None]
    channels = torch.arange(images.shape[1], device=images.device)[:, None, None]
    return padded[batch, channels, rows, columns]


@torch.no_grad()
def accuracy(model: torch.nn.Module, test: LabelledImages, count: int) -> float:
    """Return the share of the first `count` test pictures whose class `model` ranks first."""
    device = next(model.parameters()).device
    right = 0
    for start in range(0, count, 250):
        images = test.images[start : min(start + 250, count)].to(device).float() / 127.5 - 1
        right += int((model(images).argmax(1).cpu() == test.labels[start : start + len(images)]).sum())
    return right / count
