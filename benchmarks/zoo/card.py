"""The model card: a template of its family, filled with what was measured, and the loss curve."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Any

from matplotlib.figure import Figure

from tokred.zoo.catalog import WEIGHTS, ZooModel
from tokred.zoo.families import EDITING, FILMING, PROMPTED

CARDS = Path(__file__).parent / "cards"


def write_card(model: ZooModel, record: dict[str, Any], notice: str) -> None:
    """Write `card.md` into the folder of `model`.

    Args:
        model: the model as shipped.
        record: the content of its `training.json`.
        notice: the licence notice of its data.
    """
    values = _of_model(model) | _of_data(record) | _of_training(record) | _of_judgement(record)
    values |= _of_teacher(record) | {"notice": notice}
    own = model.family in (*EDITING, *FILMING)
    kind = "prompted" if model.family in PROMPTED and not own else model.family
    names = (kind, "distilled", "training") if "teacher" in record else (kind, "training")
    parts = [(CARDS / f"{name}.md").read_text() for name in names]
    (model.folder / "card.md").write_text(Template("\n".join(parts)).substitute(values))


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
        "whose": f"of a LoRA of {model.adapts}" if model.adapts else "with its text encoder",
        "tokens": f"{model.tokens:,}",
        "classes": len(model.classes),
        "example": model.classes[0],
        "prompts": ", ".join(f"*{name}*" for name in model.classes),
        "guidance": model.guidance,
        "sampling_steps": model.steps,
        "size": model.size,
        "sha256": model.files.sha256[WEIGHTS],
        "megabytes": f"{(model.folder / WEIGHTS).stat().st_size / 1e6:.1f}",
    }


def _of_data(record: dict[str, Any]) -> dict[str, Any]:
    data = record["settings"]["data"]
    return {
        "pictures": f"{record['data']['pictures']:,}",
        "data_sha256": record["data"]["sha256"],
        "style": data.get("style"),
        "array": data["array"],
        "subgroups": ", ".join(data.get("labels", [])),
        "mirrored": " and the mirror image of each" if data["mirror"] else "",
        "mirror_note": ", mirrored with probability one half" if data["mirror"] else "",
    }


def _of_judgement(record: dict[str, Any]) -> dict[str, Any]:
    if "accuracy" in record:
        return {"top1": f"{record['accuracy']['top1']:.2%}", "test_pictures": f"{record['accuracy']['pictures']:,}"}
    if "edited" in record:
        seeds, psnr = record["edited"]["seeds"], record["edited"]["psnr_db"]
        rows = "\n".join(f"| {kind} | {found:.1f} |" for kind, found in psnr.items())
        return {"samples": len(seeds), "last_seed": seeds[-1], "edit_psnr": rows}
    if "clips" in record:
        clips = record["clips"]
        values = {
            "samples": len(clips["seeds"]),
            "last_seed": clips["seeds"][-1],
            "held_out": clips["held_out_prompts"],
        }
        for file in ("sheet", "held_out"):
            values[f"{file}_own"] = clips[file]["nearest_is_own_motion"]
            values[f"{file}_psnr"] = f"{clips[file]['nearest_psnr_db']:.1f}"
        return values
    samples, unseen = record["samples"], record["held_out"]
    return {
        "samples": len(samples["seeds"]),
        "last_seed": samples["seeds"][-1],
        "own": samples["nearest_is_own_class"],
        "psnr": f"{samples['nearest_psnr_db']:.1f}",
        "held_out": ", ".join(unseen["prompts"]) or "none",
        "unknown": ", ".join(unseen["unknown"]) or "none",
    }


def _of_teacher(record: dict[str, Any]) -> dict[str, Any]:
    if "teacher" not in record:
        return {}
    teacher = record["teacher"]
    return {
        "teacher": teacher["name"],
        "teacher_steps": teacher["steps"],
        "taught_psnr": f"{teacher['psnr_db']:.1f}",
        "untaught_psnr": f"{teacher['untaught_psnr_db']:.1f}",
    }


def _of_training(record: dict[str, Any]) -> dict[str, Any]:
    final, settings = record["final_loss"], record["settings"]
    entries = settings["model"] | settings["train"] | {"seed": settings["seed"]}
    entries |= {f"phase {i}": _phase(phase) for i, phase in enumerate(settings["phases"], start=1)}
    hours, minutes = divmod(round(record["seconds"] / 60), 60)
    return {
        "steps": f"{record['steps']:,}",
        "planned_steps": f"{sum(phase['steps'] for phase in settings['phases']):,}",
        "seen": f"{record['pictures_seen']:,}",
        "wall_time": f"{hours} h {minutes:02} min",
        "device": record["device"],
        "versions": ", ".join(f"{name} {number}" for name, number in record["versions"].items()),
        "final_loss": f"{final['mean']:.4f}",
        "first_step": final["steps"][0],
        "last_step": final["steps"][1],
        "start": settings.get("start", "none"),
        "settings": "\n".join(f"| {name} | {value} |" for name, value in entries.items()),
    }


def _phase(phase: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in phase.items())
