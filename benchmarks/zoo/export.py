"""Write a trained model in the form in which the package ships it."""

from __future__ import annotations

import hashlib
import json
import statistics
from pathlib import Path
from typing import Any

import torch
from diffusers import DiTTransformer2DModel
from safetensors.torch import save

from card import draw_losses, write_card
from data import LabelledImages
from nearest import nearest
from sheet import save_sheet, spread_seeds
from tokred.zoo.catalog import ZooModel
from tokred.zoo.load import load_pipeline

HERE = Path(__file__).parent
LARGEST_BYTES = 25_000_000
SHEET_SAMPLES = 32


def export_model(
    name: str,
    model: DiTTransformer2DModel,
    config: dict[str, Any],
    data: LabelledImages,
    facts: dict[str, Any],
    folder: Path,
) -> None:
    """Write the files of a model: weights, `model.json`, card, notice, facts of the training, and two pictures.

    The sample sheet is drawn from the files as written, so that it shows what is shipped.

    Args:
        name: name of the model in the zoo.
        model: the trained network; its moving average, not the network that the optimiser moves.
        config: the model's TOML file.
        data: what it was trained on.
        facts: what `Run.facts` says of the training.
        folder: where the files go; made if need be.

    Raises:
        ValueError: a weight has no finite half-precision value, or the file is too large to ship.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "weights.safetensors"
    weights.write_bytes(save(halve(model)))
    if weights.stat().st_size > LARGEST_BYTES:
        raise ValueError(f"{weights} has {weights.stat().st_size:,} bytes; at most {LARGEST_BYTES:,} can be shipped")
    _write_json(folder / "model.json", _description(name, model, config, data, weights))
    shipped = ZooModel.read(folder)
    record = _record(config, data, facts) | {"samples": _draw_samples(shipped, data, folder / "sheet.png")}
    _write_json(folder / "training.json", record)
    draw_losses(facts["losses"], folder / "loss.png")
    notice = (HERE / "notices" / f"{config['data']['style']}.txt").read_text()
    (folder / "NOTICE.txt").write_text(notice)
    write_card(shipped, record, notice)


def halve(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return the weights of `model` in half precision, on the CPU.

    Raises:
        ValueError: a weight is not finite in half precision.
    """
    weights = {name: tensor.detach().cpu().half().contiguous() for name, tensor in model.state_dict().items()}
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise ValueError(f"{name!r} is not finite in half precision; train with more weight decay, or stop earlier")
    return weights


def _description(
    name: str, model: DiTTransformer2DModel, config: dict[str, Any], data: LabelledImages, weights: Path
) -> dict[str, Any]:
    network: dict[str, Any] = {key: value for key, value in model.config.items() if not key.startswith("_")}
    return {
        "name": name,
        "summary": config["summary"],
        "family": config["family"],
        "config": network,
        "classes": data.classes,
        "steps": config["sampling"]["steps"],
        "guidance": config["sampling"]["guidance"],
        "tokens": (network["sample_size"] // network["patch_size"]) ** 2,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
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


def _draw_samples(shipped: ZooModel, data: LabelledImages, sheet: Path) -> dict[str, Any]:
    seeds = spread_seeds(len(data.classes), SHEET_SAMPLES)
    pictures = shipped.generate(load_pipeline(shipped), seeds, shipped.steps)
    save_sheet(pictures, sheet)
    labels, psnr = nearest(pictures, data)
    own = sum(int(label) == seed % len(data.classes) for label, seed in zip(labels, seeds, strict=True))
    return {"seeds": seeds, "nearest_is_own_class": own, "nearest_psnr_db": psnr.median().item()}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
