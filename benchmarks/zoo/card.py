"""The model card: a template filled with what was measured, and the loss curve."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Any

from matplotlib.figure import Figure

from tokred.zoo.catalog import ZooModel

TEMPLATE = Path(__file__).parent / "card.template.md"


def write_card(model: ZooModel, record: dict[str, Any], notice: str) -> None:
    """Write `card.md` into the folder of `model`.

    Args:
        model: the model as shipped.
        record: the content of its `training.json`.
        notice: the licence notice of its data.
    """
    values = _of_model(model) | _of_samples(record) | _of_data(record) | _of_training(record)
    text = Template(TEMPLATE.read_text()).substitute(values, notice=notice)
    (model.folder / "card.md").write_text(text)


def draw_losses(losses: list[tuple[int, float]], path: Path) -> None:
    """Draw the loss log, pairs of step and mean loss, as a PNG."""
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*losses, strict=True), linewidth=1)
    axes.set(xlabel="step", ylabel="loss", yscale="log")
    axes.grid(visible=True, which="both", alpha=0.3)
    figure.savefig(path, dpi=120)


def _of_model(model: ZooModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "summary": model.summary,
        "parameters": f"{model.parameters:,}",
        "tokens": model.tokens,
        "classes": len(model.classes),
        "example": model.classes[0],
        "guidance": model.guidance,
        "sampling_steps": model.steps,
        "height": model.config["sample_size"],
        "sha256": model.sha256,
        "megabytes": f"{(model.folder / 'weights.safetensors').stat().st_size / 1e6:.1f}",
    }


def _of_samples(record: dict[str, Any]) -> dict[str, Any]:
    samples = record["samples"]
    return {
        "samples": len(samples["seeds"]),
        "seeds": ", ".join(map(str, samples["seeds"])),
        "own": samples["nearest_is_own_class"],
        "psnr": f"{samples['nearest_psnr_db']:.1f}",
    }


def _of_data(record: dict[str, Any]) -> dict[str, Any]:
    data = record["settings"]["data"]
    return {
        "pictures": record["data"]["pictures"],
        "data_sha256": record["data"]["sha256"],
        "style": data["style"],
        "array": data["array"],
        "subgroups": ", ".join(data["labels"]),
        "mirrored": " and the mirror image of each" if data["mirror"] else "",
        "mirror_note": ", mirrored with probability one half" if data["mirror"] else "",
    }


def _of_training(record: dict[str, Any]) -> dict[str, Any]:
    train, final = record["settings"]["train"], record["final_loss"]
    settings = record["settings"]["model"] | train | {"seed": record["settings"]["seed"]}
    hours, minutes = divmod(round(record["seconds"] / 60), 60)
    return {
        "steps": f"{record['steps']:,}",
        "planned_steps": f"{train['steps']:,}",
        "seen": f"{record['steps'] * train['batch']:,}",
        "wall_time": f"{hours} h {minutes:02} min",
        "device": record["device"],
        "versions": ", ".join(f"{name} {number}" for name, number in record["versions"].items()),
        "final_loss": f"{final['mean']:.4f}",
        "first_step": final["steps"][0],
        "last_step": final["steps"][1],
        "settings": "\n".join(f"| {name} | {value} |" for name, value in settings.items()),
    }
