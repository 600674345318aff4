"""What models are asked for: prompts and pictures from files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from tokred.errors import SpecError

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
ARE_FILES = ("image", "mask_image", "control_image")
"""Arguments of a pipeline that a line of prompts gives as the path of a picture."""


def read_prompts(path: Path) -> list[str | dict[str, Any]]:
    """Read what a pipeline is asked for: a prompt a line; in a .jsonl an object a line, its keys arguments of the call.

    Paths of pictures are relative to the file.

    Raises:
        SpecError: if the file cannot be read, is empty, or has a line that says nothing.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"--prompts {path} cannot be read: {error}. Name a text file.") from error
    if not lines:
        raise SpecError(f"--prompts {path} is empty. Write a prompt a line.")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            raise SpecError(f"--prompts {path}, line {number} is empty. Take it out.")
    if path.suffix != ".jsonl":
        return [line.strip() for line in lines]
    return [_request(path, number, line) for number, line in enumerate(lines, 1)]


def _request(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise SpecError(f"--prompts {path}, line {number} is no JSON: {error}.") from error
    if not isinstance(request, dict):
        raise SpecError(f'--prompts {path}, line {number} must be an object such as {{"prompt": "a fox"}}, not {line}.')
    return {name: _opened(path, value) if name in ARE_FILES else value for name, value in request.items()}


def _opened(path: Path, name: str) -> Image.Image:
    try:
        return Image.open(path.parent / name).convert("RGB")
    except OSError as error:
        raise SpecError(f"--prompts {path} names the picture {name}, which cannot be read: {error}.") from error


@dataclass(frozen=True)
class VisionData:
    """Pictures for a vision model.

    Attributes:
        pictures: paths, or arrays `[H, W, C]`, uint8.
        labels: the true class of each; None where they are not known.
        prepare: makes a tensor `[C, H, W]` of one, as the model was trained to see it.
    """

    pictures: Sequence[Any]
    labels: Sequence[int] | None
    prepare: Callable[[Any], torch.Tensor]


def vision_data(path: Path, model: Any) -> VisionData:
    """Find pictures for a model of timm.

    Args:
        path: a folder of pictures; one with a folder for each class, which are counted in order of their names; or an
            .npz of `images` `[N, H, W, C]`, uint8, with or without `labels`.
        model: says how it sees them, by its `pretrained_cfg`.

    Raises:
        SpecError: if there are none.
    """
    prepare = _transform(model)
    if path.suffix == ".npz":
        try:
            arrays = np.load(path, allow_pickle=False)
            images = arrays["images"]
            labels = arrays["labels"].tolist() if "labels" in arrays else None
        except (OSError, KeyError, ValueError) as error:
            raise SpecError(f"--data {path} must be an .npz of images [N, H, W, C], uint8: {error}.") from error
        return VisionData(images, labels, lambda image: prepare(Image.fromarray(image.squeeze())))
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in PICTURES)
    if not files:
        raise SpecError(f"--data {path} holds no pictures ({', '.join(PICTURES)}). Name a folder of them, or an .npz.")
    classes = sorted({file.parent for file in files})
    labels = None if classes == [path] else [classes.index(file.parent) for file in files]
    return VisionData(files, labels, lambda file: prepare(Image.open(file)))


def _transform(model: Any) -> Callable[[Image.Image], torch.Tensor]:
    """Return what timm does with a picture before the model sees it."""
    from timm.data import create_transform, resolve_model_data_config

    config = resolve_model_data_config(model)
    transform = create_transform(**config, is_training=False)
    mode = "L" if config["input_size"][0] == 1 else "RGB"
    return lambda image: transform(image.convert(mode))
