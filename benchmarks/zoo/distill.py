"""What `emoji-turbo` learns: to get in a few steps where its teacher gets in many, by an adapter alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from peft import LoraConfig
from safetensors.torch import load_file, save_file

from data import LabelledImages
from flow import SHEET_SAMPLES, FlowTask
from tokred.zoo.catalog import ZooModel, find_model
from tokred.zoo.load import load
from tokred.zoo.prompted import Prompted
from tokred.zoo.spread import asked

ADAPTED = (
    *("to_q", "to_k", "to_v", "to_out.0", "norm1.linear", "ff.net.0.proj", "ff.net.2"),
    *("norm.linear", "proj_mlp", "proj_out"),
)
"""Layers of a Flux that get an adapter: of double and of single blocks, and the last one."""
FIRST_SEED = 10_000
"""Walks begin at the noise of this seed and those that follow: of no picture that is judged or measured."""
WALKERS = 8
"""Walks that the teacher takes side by side."""


class DistillTask(FlowTask):
    """Learning, by a LoRA of the teacher, to follow the teacher's own trajectories; see `train.Task`.

    The student walks from noise in its own steps. Each step is to end where the teacher, from the same noise, is at
    that time; so a step also mends what the steps before it missed. The teacher's walks are taken once, and lie in the
    folder of the run.
    """

    def __init__(self, config: dict[str, Any], data: LabelledImages, folder: Path) -> None:
        super().__init__(config, data)
        self.folder = folder
        self.steps, self.substeps = config["sampling"]["steps"], config["distill"]["substeps"]
        self.seeds = range(FIRST_SEED, FIRST_SEED + config["distill"]["walks"])
        self.prompts = asked(data.classes, self.seeds)

    def build(self) -> torch.nn.Module:
        """Build the teacher with an adapter that changes nothing yet."""
        model = cast(Prompted, super().build().requires_grad_(False))
        rank = self.config["distill"]["rank"]
        adapter = LoraConfig(r=rank, lora_alpha=rank, target_modules=list(ADAPTED))
        cast(Any, model.transformer).add_adapter(adapter)
        return model

    def loss(self, model: torch.nn.Module, phase: dict[str, Any], device: str) -> torch.Tensor:
        """Take the mean squared error of the student's velocities along `phase["batch"]` of the walks."""
        chosen = torch.randint(len(self.walks), (phase["batch"],))
        here, *goals = self.walks[chosen].to(device).float().unbind(1)
        words = self.words(model, [self.prompts[walk] for walk in chosen.tolist()])
        losses = []
        for step, goal in enumerate(goals):
            velocity = self._ask(model, here, 1 - step / self.steps, words).float()
            losses.append(torch.nn.functional.mse_loss(velocity, (here - goal) * self.steps))
            here = here - velocity.detach() / self.steps
        return torch.stack(losses).mean()

    @cached_property
    def walks(self) -> torch.Tensor:
        """All walks of the teacher, see `trajectories`, in half precision; taken where the folder has none."""
        path = self.folder / f"walks-{len(self.seeds)}x{self.steps}x{self.substeps}.safetensors"
        if not path.exists():
            teacher = super().build()
            parts = [self.trajectories(teacher, self.seeds[at : at + WALKERS]) for at in self._starts()]
            partial = path.with_suffix(".partial")
            save_file({"walks": torch.cat(parts).half()}, partial)
            partial.replace(path)
        return load_file(path)["walks"]

    def _starts(self) -> range:
        return range(0, len(self.seeds), WALKERS)

    @torch.no_grad()
    def trajectories(self, teacher: torch.nn.Module, seeds: Sequence[int]) -> torch.Tensor:
        """Return where the teacher's walks are: at noise, and after each step of the student, `[B, S + 1, 3, H, W]`."""
        count, shape = self.steps * self.substeps, self.data.images.shape[1:]
        here = torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
        words = self.words(teacher, asked(self.data.classes, seeds))
        points = [here]
        with torch.autocast(here.device.type, enabled=False):
            for step in range(count):
                here = here - self._ask(teacher, here, 1 - step / count, words) / count
                points.append(here)
        return torch.stack(points[:: self.substeps], dim=1)

    def weights(self, model: torch.nn.Module) -> dict[str, torch.Tensor]:
        """Return the adapter alone, by the names that diffusers gives to a LoRA's tensors."""
        return {
            name.replace(".default.", "."): tensor for name, tensor in model.state_dict().items() if ".lora_" in name
        }

    def judge(self, shipped: ZooModel, pictures: Path, device: str) -> dict[str, Any]:
        """Do what `FlowTask.judge` does, and hold pictures of the same seeds against the teacher's many steps."""
        teacher = find_model(self.config["start"])
        seeds, count = range(SHEET_SAMPLES), self.steps * self.substeps
        true = teacher.generate(load(teacher, device), seeds, count)
        student, untaught = (m.generate(load(m, device), seeds, self.steps) for m in (shipped, teacher))
        found = {"steps": count, "psnr_db": psnr(student, true), "untaught_psnr_db": psnr(untaught, true)}
        return super().judge(shipped, pictures, device) | {"teacher": {"name": teacher.name, **found}}

    def _ask(self, model: torch.nn.Module, here: torch.Tensor, sigma: float, words: torch.Tensor) -> torch.Tensor:
        return self.velocity(model, here, here.new_full((len(here),), sigma), words)


def psnr(pictures: torch.Tensor, true: torch.Tensor) -> float:
    """Return the median PSNR of pictures `[B, 3, H, W]` in [0, 1], in dB."""
    return (-10 * (pictures - true).square().mean(dim=(1, 2, 3)).log10()).median().item()
