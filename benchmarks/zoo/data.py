"""The pictures that the zoo's models are trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class LabelledImages:
    """Pictures with a class each.

    Attributes:
        images: `[M, C, H, W]`, uint8.
        labels: class of each picture, `[M]`, int64.
        classes: name of each class.
        mirror: whether a batch mirrors every picture with probability one half.
        held_out: names of identities that belong to the same data and were kept from training.
    """

    images: torch.Tensor
    labels: torch.Tensor
    classes: list[str]
    mirror: bool
    held_out: tuple[str, ...] = ()

    def batch(self, size: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw `size` pictures `[B, C, H, W]` in [-1, 1] and their labels `[B]`."""
        index = torch.randint(len(self.images), (size,))
        images = self.images[index].to(device).float() / 127.5 - 1
        if self.mirror:
            flip = (torch.rand(size, device=device) < 0.5).view(-1, 1, 1, 1)
            images = torch.where(flip, images.flip(-1), images)
        return images, self.labels[index].to(device)


def load_images(folder: Path, array: str, **selection: Any) -> LabelledImages:
    """Load what a config's `[data]` names from the file `array` in `folder`.

    Args:
        folder: where the arrays lie.
        array: file name of the array.
        selection: arguments of `load_emoji` or `load_fashion`.
    """
    load = load_fashion if array.startswith("fashion") else load_emoji
    return load(np.load(folder / array), **selection)


def load_emoji(emoji: Any, style: str, labels: list[str], mirror: bool, split: int = 0) -> LabelledImages:
    """Select from an emoji array one drawing style and some Unicode subgroups; each identity is a class.

    Args:
        emoji: the array, as `np.load` opens it.
        style: drawing style, such as "fluent-3d".
        labels: Unicode subgroups, such as "animal-mammal".
        mirror: see `LabelledImages`.
        split: 0 selects the identities that are trained on, 1 those that are held out.
    """
    wanted = [list(emoji["label_names"]).index(name) for name in labels]
    chosen = np.isin(emoji["labels"], wanted) & (emoji["style"] == list(emoji["styles"]).index(style)) & ~emoji["zwj"]
    trained = chosen & (emoji["split"] == split)
    identities, classes = np.unique(emoji["emoji"][trained], return_inverse=True)
    held_out = np.unique(emoji["emoji"][chosen & (emoji["split"] == 1)])
    return LabelledImages(
        images=torch.from_numpy(emoji["images"][trained]).permute(0, 3, 1, 2).contiguous(),
        labels=torch.from_numpy(classes.astype(np.int64)),
        classes=[str(emoji["emoji_names"][i]) for i in identities],
        mirror=mirror,
        held_out=tuple(str(emoji["emoji_names"][i]) for i in held_out),
    )


FASHION = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def load_fashion(fashion: Any, part: str, mirror: bool) -> LabelledImages:
    """Select the training or the test pictures of Fashion-MNIST, `[M, 1, 28, 28]`.

    Args:
        fashion: the array, as `np.load` opens it.
        part: "train" or "test".
        mirror: see `LabelledImages`.
    """
    prefix = {"train": "", "test": "test_"}[part]
    return LabelledImages(
        images=torch.from_numpy(fashion[f"{prefix}images"])[:, None],
        labels=torch.from_numpy(fashion[f"{prefix}labels"].astype(np.int64)),
        classes=list(FASHION),
        mirror=mirror,
    )
