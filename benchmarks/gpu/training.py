"""Part `train`: trains the zoo's models, or goes on from their checkpoints, and exports those that are trained."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from child import ROOT, run_child
from jobs import AFTER_MODELS, Job, LeftOut, Options, Unfinished
from tokred.zoo.catalog import zoo_models

TRAIN = ROOT / "benchmarks" / "zoo" / "train.py"
CONFIGS = TRAIN.parent / "configs"
AROUND_SECONDS = 60
"""For what comes before and after the steps: imports, the checkpoint, the sheet of pictures."""


def jobs(options: Options) -> Iterator[Job]:
    """Yield a job for each model that does not come with tokred yet, or has a checkpoint in the output folder.

    Raises:
        LeftOut: if no folder of arrays is named.
    """
    if options.data is None:
        raise LeftOut("no folder of arrays was named: --data DIR, see benchmarks/zoo/README.md")
    shipped = {model.name for model in zoo_models()}
    for path in sorted(CONFIGS.glob("*.toml")):
        steps = sum(phase["steps"] for phase in tomllib.loads(path.read_text())["phases"])
        folder = options.out / "train" / path.stem
        if path.stem not in shipped or (folder / "checkpoint.pt").exists():
            yield Job(
                part="train",
                what={"model": path.stem, "steps": steps, "device": options.device},
                run=partial(train, options, folder, steps),
                like=path.stem,
                guess=2 * AROUND_SECONDS,
                rank=AFTER_MODELS + 4,
            )


def train(options: Options, folder: Path, steps: int, seconds: float) -> dict[str, Any]:
    """Train for the `seconds` that are left, and export the model into this checkout if that was enough.

    Raises:
        Unfinished: if steps are left.
    """
    assert options.data is not None
    command: list[str | Path] = [sys.executable, TRAIN, folder.name, "--data", options.data, "--out", folder]
    command += ["--device", options.device]
    log = folder / "log.txt"
    run_child([*command, "--minutes", f"{(seconds - AROUND_SECONDS) / 60:.2f}"], seconds, log)
    progress = torch.load(folder / "checkpoint.pt", weights_only=True, map_location="cpu")["progress"]
    if progress["step"] < steps:
        raise Unfinished(f"{progress['step']} of {steps} steps are done")
    run_child([*command, "--export"], AROUND_SECONDS, log)
    return {"seconds_of_steps": progress["seconds"], "last_loss": progress["losses"][-1]}
