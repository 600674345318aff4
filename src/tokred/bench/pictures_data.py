"""Pictures for vision models, from a folder, an .npz, or `datasets` on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tokred.errors import SpecError

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
SPLITS, SPLIT = "dataset_dict.json", "dataset_info.json"
"""Files by which the folder of all splits of `datasets`, and that of one, are known."""


@dataclass(frozen=True)
class PicturesData:
    """Pictures for a vision model.

    Attributes:
        pictures: one each, such as a path.
        labels: the true class of each; None where they are not known.
        opened: makes an image of one.
    """

    pictures: Sequence[Any]
    labels: Sequence[int] | None
    opened: Callable[[Any], Image.Image]


def pictures_data(path: Path) -> PicturesData:
    """Find pictures.

    Args:
        path: a folder of pictures; one with a folder for each class, which are counted in order of their names; one
            that `datasets.Dataset.save_to_disk` wrote; or an .npz of `images` `[N, H, W, C]`, uint8, with or without
            `labels`.

    Raises:
        SpecError: if there are none.
    """
    if path.suffix == ".npz":
        return _from_npz(path)
    if (path / SPLITS).is_file():
        splits = ", ".join(sorted(str(each.parent) for each in path.glob(f"*/{SPLIT}")))
        raise SpecError(f"--data {path} holds several splits of a dataset. Name one of them: {splits}.")
    return _from_dataset(path) if (path / SPLIT).is_file() else _from_folder(path)


def _from_npz(path: Path) -> PicturesData:
    try:
        arrays = np.load(path, allow_pickle=False)
        images = arrays["images"]
        labels = arrays["labels"].tolist() if "labels" in arrays else None
    except (OSError, KeyError, ValueError) as error:
        raise SpecError(f"--data {path} must be an .npz of images [N, H, W, C], uint8: {error}.") from error
    return PicturesData(images, labels, lambda image: Image.fromarray(image.squeeze()))


def _from_dataset(path: Path) -> PicturesData:
    try:
        import datasets
    except ImportError as error:
        raise SpecError(f"--data {path} was written by datasets: install that package to read it.") from error
    data = datasets.load_from_disk(str(path))
    kinds = {name: type(kind).__name__ for name, kind in data.features.items()}
    images = [name for name, kind in kinds.items() if kind == "Image"]
    if not images:
        raise SpecError(f"--data {path} has no column of pictures: {kinds}.")
    labels = [name for name, kind in kinds.items() if kind == "ClassLabel"]
    return PicturesData(data[images[0]], list(data[labels[0]]) if labels else None, lambda image: image)


def _from_folder(path: Path) -> PicturesData:
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in PICTURES)
    if not files:
        raise SpecError(f"--data {path} holds no pictures ({', '.join(PICTURES)}). Name a folder of them, or an .npz.")
    classes = sorted({file.parent for file in files})
    labels = None if classes == [path] else [classes.index(file.parent) for file in files]
    return PicturesData(files, labels, Image.open)
