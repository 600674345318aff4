"""Train a model of the zoo: `python benchmarks/zoo/train.py emoji-dit --data DIR --out DIR [--device cuda]`.

One TOML file under `configs/` describes a model. A run writes a checkpoint and shows how far it is every few minutes,
and goes on from the checkpoint when it is started again; `--export` writes the files that the package ships.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import platform
import statistics
import time
import tomllib
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import torch

from classify import ClassifyTask
from data import load_images
from distill import DistillTask
from editing import EditTask
from export import Exportable, Places, export_model
from filming import ClipTask
from flow import FlowTask

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CHECKPOINT_SECONDS = 400
LOG_STEPS = 50


class Task(Exportable, Protocol):
    """What a model learns."""

    def build(self) -> torch.nn.Module:
        """Build the untrained network, in the mode that it is trained in."""
        ...

    def loss(self, model: torch.nn.Module, phase: dict[str, Any], device: str) -> torch.Tensor:
        """Take the loss of a batch as the config's `phase` wants it."""
        ...

    def show(self, model: torch.nn.Module, folder: Path) -> str:
        """Write into `folder`, or say, how far the model is."""
        ...


def make_task(config: dict[str, Any], folder: Path, out: Path) -> Task:
    """Make the task that a config describes, from the arrays in `folder`; `out` is the folder of the run."""
    data = load_images(folder, **config["data"])
    if config["family"] == "vit":
        return ClassifyTask(config, data, load_images(folder, **config["data"] | {"part": "test", "mirror": False}))
    if config["family"] == "kontext":
        return EditTask(config, data, load_images(folder, **config["data"] | {"split": 1, "mirror": False}))
    if config["family"] == "wan":
        return ClipTask(config, data)
    if "distill" in config:
        return DistillTask(config, data, out)
    return FlowTask(config, data)


@dataclass
class Progress:
    """What a run has done so far; travels in the checkpoint."""

    step: int = 0
    seconds: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)


def total_steps(config: dict[str, Any]) -> int:
    """Return the steps of all phases."""
    return sum(phase["steps"] for phase in config["phases"])


def phase_at(step: int, config: dict[str, Any]) -> dict[str, Any]:
    """Return the phase that `step`, counted from 0, belongs to."""
    ends = [total_steps({"phases": config["phases"][: i + 1]}) for i in range(len(config["phases"]))]
    phase: dict[str, Any] = next(p for p, end in zip(config["phases"], ends, strict=True) if step < end)
    return phase


def rate(step: int, config: dict[str, Any]) -> float:
    """Share of the full learning rate at `step`: linear warm-up, constant, linear cool-down to 0."""
    steps, train = total_steps(config), config["train"]
    remaining = (steps - step) / (train["cooldown"] * steps)
    share: float = min(1.0, (step + 1) / train["warmup"], remaining)
    return share


@torch.no_grad()
def follow(average: torch.nn.Module, model: torch.nn.Module, decay: float) -> None:
    """Move the exponential moving average of the weights one step towards `model`."""
    for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)


def make_optimisers(model: torch.nn.Module, train: dict[str, Any]) -> list[torch.optim.Optimizer]:
    """Make AdamW for all weights, or with `muon` for all but the matrices inside the blocks, which Muon takes."""
    muon = {name for name, p in model.named_parameters() if train.get("muon") and p.ndim == 2 and "blocks." in name}
    matrices, others = ([p for name, p in model.named_parameters() if (name in muon) is side] for side in (True, False))
    settings = {"lr": train["lr"], "weight_decay": train["weight_decay"]}
    adamw = torch.optim.AdamW(others, betas=(0.9, 0.99), fused=True, **settings)
    return [adamw, torch.optim.Muon(matrices, adjust_lr_fn="match_rms_adamw", **settings)] if muon else [adamw]


def fast_in_bfloat16(device: str) -> bool:
    """Say whether `device` multiplies in bfloat16 by itself; a CPU that does not is several times slower in it."""
    return device == "cuda" or any(
        able for name, able in torch.cpu.get_capabilities().items() if name in ("avx512_bf16", "amx_bf16")
    )


class Run:
    """A training run: the model, its moving average, the optimiser and what they were fed."""

    def __init__(self, config: dict[str, Any], task: Task, out: Path, device: str) -> None:
        self.config, self.task, self.out, self.device = config, task, out, device
        torch.manual_seed(config["seed"])
        self.model = task.build().to(device)
        self.average = copy.deepcopy(self.model).eval()
        self.optimisers = make_optimisers(self.model, config["train"])
        self.progress = Progress()
        self.checkpoint = out / "checkpoint.pt"
        if self.checkpoint.exists():
            self._resume()

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True, map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        self.progress = Progress(**state["progress"])
        torch.manual_seed(self.config["seed"] + self.progress.step)
        print(f"resumed at step {self.progress.step}", flush=True)

    def save(self) -> None:
        """Write the checkpoint, whole or not at all, and show how far the moving average is."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "progress": vars(self.progress),
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)
        print(self.task.show(self.average, self.out), flush=True)

    def step(self) -> float:
        """Take one optimiser step and return its loss."""
        train = self.config["train"]
        for group in (group for optimiser in self.optimisers for group in optimiser.param_groups):
            group["lr"] = train["lr"] * rate(self.progress.step, self.config)
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=fast_in_bfloat16(self.device)):
            loss = self.task.loss(self.model, phase_at(self.progress.step, self.config), self.device)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad()
        self.progress.step += 1
        follow(self.average, self.model, min(train["ema"], self.progress.step / (self.progress.step + 10)))
        return loss.item()

    def train(self, minutes: float = math.inf) -> None:
        """Train to the end of the last phase, or until a step ends after so many minutes."""
        began = since_save = time.perf_counter()
        recent: list[float] = []
        while self.progress.step < total_steps(self.config) and time.perf_counter() - began < 60 * minutes:
            start = time.perf_counter()
            loss = self.step()
            if not math.isfinite(loss):
                raise FloatingPointError(f"the loss became {loss} at step {self.progress.step}")
            recent.append(loss)
            self.progress.seconds += time.perf_counter() - start
            if self.progress.step % LOG_STEPS == 0:
                self._log(statistics.fmean(recent), time.perf_counter() - start)
                recent.clear()
            if time.perf_counter() - since_save > CHECKPOINT_SECONDS:
                self.save()
                since_save = time.perf_counter()
        self.save()

    def _log(self, loss: float, step_seconds: float) -> None:
        step = self.progress.step
        self.progress.losses.append((step, loss))
        speed = phase_at(step - 1, self.config)["batch"] / step_seconds
        print(f"step {step} loss {loss:.4f} {speed:.0f} images/s {self.progress.seconds:.0f} s", flush=True)

    def facts(self) -> dict[str, Any]:
        """What the model card records of the run."""
        return {
            "steps": self.progress.step,
            "pictures_seen": sum(phase_at(step, self.config)["batch"] for step in range(self.progress.step)),
            "seconds": round(self.progress.seconds),
            "losses": self.progress.losses,
            "parameters": sum(p.numel() for p in self.model.parameters() if p.requires_grad),
            "device": torch.cuda.get_device_name() if self.device == "cuda" else f"{os.cpu_count()} CPU cores",
            "versions": {"python": platform.python_version()}
            | {name: metadata.version(name) for name in ("torch", "diffusers", "timm")},
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=sorted(p.stem for p in (HERE / "configs").glob("*.toml")))
    parser.add_argument("--data", type=Path, required=True, help="folder with the arrays that build_arrays.py builds")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint, the log and the sheet")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop then, with a checkpoint")
    parser.add_argument(
        "--export", action="store_true", help="do not train: write the trained model's files into this checkout"
    )
    arguments = parser.parse_args()
    torch.backends.cuda.enable_cudnn_sdp(False)  # its backward pass fails at 4,096 tokens with torch 2.11, on an H200
    config = tomllib.loads((HERE / "configs" / f"{arguments.model}.toml").read_text())
    arguments.out.mkdir(parents=True, exist_ok=True)
    task = make_task(config, arguments.data, arguments.out)
    run = Run(config, task, arguments.out, arguments.device)
    print(json.dumps({"model": arguments.model, "parameters": run.facts()["parameters"]}), flush=True)
    if arguments.export and not run.progress.losses:
        parser.error(f"{run.checkpoint} holds no trained model yet; train for at least {LOG_STEPS} steps first")
    if arguments.export:
        places = Places.of(ROOT, arguments.model)
        export_model(arguments.model, task, run.average, config, run.facts(), places, run.device)
    else:
        run.train(arguments.minutes)


if __name__ == "__main__":
    main()
