"""What `emoji-turbo` learns: to get in a few steps where its teacher gets in many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from data import LabelledImages
from flow import SHEET_SAMPLES, FlowTask
from tokred.zoo.catalog import ZooModel, find_model
from tokred.zoo.load import load


class DistillTask(FlowTask):
    """Learning to follow the teacher's own trajectories; see `train.Task`.

    The student walks from noise in its own steps, starting from the teacher's weights. Each step is to end where the
    teacher, from the same noise, is at that time; so a step also mends what the steps before it missed.
    """

    def __init__(self, config: dict[str, Any], data: LabelledImages) -> None:
        super().__init__(config, data)
        self.steps, self.substeps = config["sampling"]["steps"], config["distill"]["substeps"]
        self.teacher = self.build().requires_grad_(False)

    def loss(self, model: torch.nn.Module, phase: dict[str, Any], device: str) -> torch.Tensor:
        """Take the mean squared error of the student's velocities along `phase["batch"]` walks."""
        pictures, labels = self.data.batch(phase["batch"], device)
        noise = torch.randn_like(self.coarse(pictures, phase))
        teacher = self.teacher.to(device)
        goals = self.trajectory(teacher, noise, self._wanted(teacher, labels))
        wanted, here, losses = self._wanted(model, labels), noise, []
        for step, goal in enumerate(goals):
            velocity = self._ask(model, here, 1 - step / self.steps, wanted).float()
            losses.append(torch.nn.functional.mse_loss(velocity, (here - goal) * self.steps))
            here = here - velocity.detach() / self.steps
        return torch.stack(losses).mean()

    @torch.no_grad()
    def trajectory(self, teacher: torch.nn.Module, noise: torch.Tensor, wanted: torch.Tensor) -> list[torch.Tensor]:
        """Return where the teacher's walk from `noise` is after each step of the student, pictures `[B, 3, H, W]`."""
        count = self.steps * self.substeps
        points, here = [], noise
        for step in range(count):
            here = here - self._ask(teacher, here, 1 - step / count, wanted).float() / count
            points.append(here)
        return points[self.substeps - 1 :: self.substeps]

    def judge(self, shipped: ZooModel, pictures: Path, device: str) -> dict[str, Any]:
        """Do what `FlowTask.judge` does, and hold pictures of the same seeds against the teacher's many steps."""
        teacher = find_model(self.config["start"])
        seeds, count = range(SHEET_SAMPLES), self.steps * self.substeps
        true = teacher.generate(load(teacher, device), seeds, count)
        student, untaught = (m.generate(load(m, device), seeds, self.steps) for m in (shipped, teacher))
        found = {"steps": count, "psnr_db": psnr(student, true), "untaught_psnr_db": psnr(untaught, true)}
        return super().judge(shipped, pictures, device) | {"teacher": {"name": teacher.name, **found}}

    def _ask(self, model: torch.nn.Module, here: torch.Tensor, sigma: float, wanted: torch.Tensor) -> torch.Tensor:
        return self.velocity(model, here, here.new_full((len(here),), sigma), wanted)


def psnr(pictures: torch.Tensor, true: torch.Tensor) -> float:
    """Return the median PSNR of pictures `[B, 3, H, W]` in [0, 1], in dB."""
    return (-10 * (pictures - true).square().mean(dim=(1, 2, 3)).log10()).median().item()
