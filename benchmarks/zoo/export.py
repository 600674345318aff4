"""Write a trained model in the form in which the package ships it, and the pictures that the docs show of it."""

from __future__ import annotations

import hashlib
import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import save

from card import draw_losses, write_card
from data import LabelledImages
from tokred.zoo.catalog import WEIGHTS, ZooModel
from tokred.zoo.wan import FRAMES

HERE = Path(__file__).parent
LARGEST_BYTES = 25_000_000


@dataclass(frozen=True)
class Places:
    """Where the files of a model go.

    Attributes:
        package: folder for what the package ships.
        pictures: folder for what the docs show.
    """

    package: Path
    pictures: Path

    @classmethod
    def of(cls, root: Path, name: str) -> Places:
        """Return the places of the model called `name` in the checkout `root`."""
        return cls(root / "zoo" / "tokred_zoo" / "models" / name, root / "docs" / "models" / name)


class Exportable(Protocol):
    """What an export asks of a task; see `train.Task`."""

    data: LabelledImages

    def weights(self, model: torch.nn.Module) -> dict[str, torch.Tensor]:
        """Return what is shipped of the trained network."""
        ...

    def tensors(self) -> dict[str, dict[str, torch.Tensor]]:
        """Return the files of tensors that go with the weights, by name."""
        ...

    def judge(self, shipped: ZooModel, pictures: Path, device: str) -> dict[str, Any]:
        """Try the model as shipped, on "cpu" or "cuda"; draw what it can into `pictures`, and return what was found."""
        ...


def export_model(
    name: str,
    task: Exportable,
    model: torch.nn.Module,
    config: dict[str, Any],
    facts: dict[str, Any],
    places: Places,
    device: str = "cpu",
) -> None:
    """Write the files of a model: weights, `model.json`, card, notice, facts of the training, and pictures.

    What the card says of the model is found with the files as written, so that it is true of what is shipped.

    Args:
        name: name of the model in the zoo.
        task: what it learned.
        model: the trained network; its moving average, not the network that the optimiser moves.
        config: the model's TOML file.
        facts: what `Run.facts` says of the training.
        places: where the files go; made if need be.
        device: where the shipped model is tried, "cpu" or "cuda".

    Raises:
        ValueError: a weight has no finite half-precision value, or a file is too large to ship.
    """
    for folder in (places.package, places.pictures):
        folder.mkdir(parents=True, exist_ok=True)
    files = {WEIGHTS: halve(task.weights(model))} | task.tensors()
    sums = {file: _write_tensors(tensors, places.package / file) for file, tensors in files.items()}
    _write_json(places.package / "model.json", _description(name, config, task.data, facts, sums))
    shipped = ZooModel.read(places.package)
    record = _record(config, task.data, facts) | task.judge(shipped, places.pictures, device)
    _write_json(places.package / "training.json", record)
    draw_losses(facts["losses"], places.pictures / "loss.png")
    notice = (HERE / "notices" / f"{config['notice']}.txt").read_text()
    (places.package / "NOTICE.txt").write_text(notice)
    write_card(shipped, record, notice)


def halve(trained: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights in half precision, on the CPU.

    Raises:
        ValueError: a weight is not finite in half precision.
    """
    weights = {name: tensor.detach().cpu().half().contiguous() for name, tensor in trained.items()}
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise ValueError(f"{name!r} is not finite in half precision; train with more weight decay, or stop earlier")
    return weights


def tokens(config: dict[str, Any], size: int) -> int:
    """Return the image tokens of a picture of `size` pixels a side, of its reference too, of all frames of a clip.

    Flux takes 2 x 2 patches as its channels.
    """
    family, patch = config["family"], config["model"]["patch_size"]
    if family == "wan":
        return int(FRAMES // patch[0] * (size // patch[1]) * (size // patch[2]))
    pixels: int = patch * (2 if family in ("flux", "kontext") else 1)
    return (size // pixels) ** 2 * (2 if family == "kontext" else 1)


def _write_tensors(tensors: dict[str, torch.Tensor], path: Path) -> str:
    """Write a safetensors file and return its checksum."""
    content = save(tensors)
    if len(content) > LARGEST_BYTES:
        raise ValueError(f"{path} would have {len(content):,} bytes; at most {LARGEST_BYTES:,} can be shipped")
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _description(
    name: str, config: dict[str, Any], data: LabelledImages, facts: dict[str, Any], sums: dict[str, str]
) -> dict[str, Any]:
    size = config.get("frame", data.images.shape[-1])
    return {
        "name": name,
        "summary": config["summary"],
        "family": config["family"],
        "adapts": config["start"] if "distill" in config else "",
        "config": config["model"],
        "classes": data.classes,
        "size": size,
        "steps": config["sampling"]["steps"],
        "guidance": config["sampling"]["guidance"],
        "tokens": tokens(config, size),
        "parameters": facts["parameters"],
        "files": sums,
    }


def _record(config: dict[str, Any], data: LabelledImages, facts: dict[str, Any]) -> dict[str, Any]:
    last = facts["losses"][-10:]
    return {
        **facts,
        "final_loss": {"mean": statistics.fmean(loss for _, loss in last), "steps": [last[0][0], last[-1][0]]},
        "settings": config,
        "data": {
            "pictures": len(data.images),
            "classes": len(data.classes),
            "sha256": hashlib.sha256(data.images.numpy().tobytes()).hexdigest(),
        },
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
