"""Train a model of the zoo: `python benchmarks/zoo/train.py emoji-dit --data DIR --out DIR [--device cuda]`.

One TOML file under `configs/` describes a model. A run writes a checkpoint, a log and a sample sheet every few
minutes and goes on from the checkpoint when it is started again; `--export` writes the files that the package ships.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import DiTTransformer2DModel

from data import LabelledImages, load_images
from export import export_model
from sheet import save_sheet, spread_seeds
from tokred.zoo.dit import dit_pipeline, generate

HERE = Path(__file__).parent
CHECKPOINT_SECONDS = 240
LOG_STEPS = 50


@dataclass
class Progress:
    """What a run has done so far; travels in the checkpoint."""

    step: int = 0
    seconds: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)


def rate(step: int, train: dict[str, Any]) -> float:
    """Share of the full learning rate at `step`: linear warm-up, constant, linear cool-down to 0."""
    remaining = (train["steps"] - step) / (train["cooldown"] * train["steps"])
    share: float = min(1.0, (step + 1) / train["warmup"], remaining)
    return share


def flow_loss(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean squared error of the predicted velocity `noise - picture` at logit-normal times.

    Args:
        model: predicts the velocity.
        images: `[B, 3, H, W]` in [-1, 1].
        labels: class labels `[B]`.
    """
    sigma = torch.sigmoid(torch.randn(len(images), device=images.device))
    noise = torch.randn_like(images)
    mixed = torch.lerp(images, noise, sigma.view(-1, 1, 1, 1))
    velocity = model(mixed, timestep=sigma * 1000, class_labels=labels).sample
    return torch.nn.functional.mse_loss(velocity.float(), noise - images)


@torch.no_grad()
def follow(average: torch.nn.Module, model: torch.nn.Module, decay: float) -> None:
    """Move the exponential moving average of the weights one step towards `model`."""
    for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)


class Run:
    """A training run: the model, its moving average, the optimiser and what they were fed."""

    def __init__(self, config: dict[str, Any], data: LabelledImages, out: Path, device: str) -> None:
        self.config, self.data, self.out, self.device = config, data, out, device
        torch.manual_seed(config["seed"])
        shape = dict(config["model"], num_embeds_ada_norm=len(data.classes))
        # Evaluation mode throughout: in training mode each block drops its class label by itself.
        self.model = DiTTransformer2DModel(**shape).eval().to(device)
        self.average = DiTTransformer2DModel(**shape).eval().to(device)
        self.average.load_state_dict(self.model.state_dict())
        train = config["train"]
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=train["lr"], betas=(0.9, 0.99), weight_decay=train["weight_decay"], fused=True
        )
        self.progress = Progress()
        self.checkpoint = out / "checkpoint.pt"
        if self.checkpoint.exists():
            self._resume()

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True, map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.progress = Progress(**state["progress"])
        torch.manual_seed(self.config["seed"] + self.progress.step)
        print(f"resumed at step {self.progress.step}", flush=True)

    def save(self) -> None:
        """Write the checkpoint (whole or not at all) and a sample sheet."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "progress": vars(self.progress),
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)
        pipe = dit_pipeline(self.average, self.data.classes)
        pictures = generate(pipe, spread_seeds(len(self.data.classes), samples=24), steps=20)
        save_sheet(pictures, self.out / "sheet.png")

    def step(self) -> float:
        """Take one optimiser step and return its loss."""
        train = self.config["train"]
        for group in self.optimiser.param_groups:
            group["lr"] = train["lr"] * rate(self.progress.step, train)
        images, labels = self.data.batch(train["batch"], self.device)
        with torch.autocast(self.device, dtype=torch.bfloat16):
            loss = flow_loss(self.model, images, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.progress.step += 1
        follow(self.average, self.model, min(train["ema"], self.progress.step / (self.progress.step + 10)))
        return loss.item()

    def train(self) -> None:
        """Train to the configured number of steps."""
        steps, since_save = self.config["train"]["steps"], time.perf_counter()
        recent: list[float] = []
        while self.progress.step < steps:
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
        self.progress.losses.append((self.progress.step, loss))
        speed = self.config["train"]["batch"] / step_seconds
        print(
            f"step {self.progress.step} loss {loss:.4f} {speed:.0f} images/s {self.progress.seconds:.0f} s", flush=True
        )

    def facts(self) -> dict[str, Any]:
        """What the model card records of the run."""
        return {
            "steps": self.progress.step,
            "seconds": round(self.progress.seconds),
            "losses": self.progress.losses,
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "device": torch.cuda.get_device_name() if self.device == "cuda" else f"{os.cpu_count()} CPU cores",
            "versions": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "diffusers": diffusers.__version__,
            },
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=sorted(p.stem for p in (HERE / "configs").glob("*.toml")))
    parser.add_argument("--data", type=Path, required=True, help="folder with the arrays that build_arrays.py builds")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint, the log and the sheet")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--steps", type=int, help="train to this step instead of the configured one")
    parser.add_argument("--export", type=Path, help="do not train: write the trained model's files into this folder")
    arguments = parser.parse_args()
    config = tomllib.loads((HERE / "configs" / f"{arguments.model}.toml").read_text())
    config["train"]["steps"] = arguments.steps or config["train"]["steps"]
    arguments.out.mkdir(parents=True, exist_ok=True)
    data = load_images(arguments.data, **config["data"])
    print(json.dumps({"model": arguments.model, "images": len(data.images), "classes": len(data.classes)}), flush=True)
    run = Run(config, data, arguments.out, arguments.device)
    if arguments.export and not run.progress.losses:
        parser.error(f"{run.checkpoint} holds no trained model yet; train for at least {LOG_STEPS} steps first")
    if arguments.export:
        export_model(arguments.model, run.average, config, data, run.facts(), arguments.export)
    else:
        run.train()


if __name__ == "__main__":
    main()
