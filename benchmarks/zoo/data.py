"""The pictures that the zoo's models are trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch


@dataclass(frozen=True)
class LabelledImages:
    """Pictures with a class each.

    Attributes:
        images: `[M, 3, H, W]`, uint8.
        labels: class of each picture, `[M]`, int64.
        classes: name of each class.
        mirror: whether a batch mirrors every picture with probability one half.
    """

    images: torch.Tensor
    labels: torch.Tensor
    classes: list[str]
    mirror: bool

    def batch(self, size: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw `size` pictures `[B, 3, H, W]` in [-1, 1] and their labels `[B]`."""
        index = torch.randint(len(self.images), (size,))
        images = self.images[index].to(device).float() / 127.5 - 1
        if self.mirror:
            flip = (torch.rand(size, device=device) < 0.5).view(-1, 1, 1, 1)
            images = torch.where(flip, images.flip(-1), images)
        return images, self.labels[index].to(device)


def load_images(folder: Path, array: str, style: str, labels: list[str], mirror: bool) -> LabelledImages:
    """Select from an emoji array one drawing style and some Unicode subgroups; each identity is a class.

    Args:
        folder: where the arrays lie.
        array: file name of the array.
        style: drawing style, such as "fluent-3d".
        labels: Unicode subgroups, such as "animal-mammal".
        mirror: see `LabelledImages`.
    """
    emoji = np.load(folder / array)
    wanted = [list(emoji["label_names"]).index(name) for name in labels]
    chosen = np.isin(emoji["labels"], wanted) & (emoji["style"] == list(emoji["styles"]).index(style))
    chosen &= (emoji["split"] == 0) & ~emoji["zwj"]
    identities, classes = np.unique(emoji["emoji"][chosen], return_inverse=True)
    return LabelledImages(
        images=torch.from_numpy(emoji["images"][chosen]).permute(0, 3, 1, 2).contiguous(),
        labels=torch.from_numpy(classes.astype(np.int64)),
        classes=[str(emoji["emoji_names"][i]) for i in identities],
        mirror=mirror,
    )
