"""What `emoji-clip` learns: to draw a few frames of an emoji that moves as its prompt says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from clips import MOTIONS, film
from data import LabelledImages
from flow import SHEET_SAMPLES, FlowTask, flow_loss
from sheet import save_sheet
from tokred.zoo.catalog import ZooModel
from tokred.zoo.load import load
from tokred.zoo.spread import asked
from tokred.zoo.wan import FRAMES

HELD_OUT = 11
"""One in so many pairs of identity and motion is kept from training."""
PHASES = 32
"""Phases of each motion that a drawn clip is compared with."""


class ClipTask(FlowTask):
    """Learning to film; see `train.Task`."""

    def __init__(self, config: dict[str, Any], data: LabelledImages) -> None:
        self.identities = data.classes
        pairs = [f"{name} {motion}" for name in data.classes for motion in MOTIONS]
        prompts, unseen = [p for i, p in enumerate(pairs) if i % HELD_OUT], tuple(pairs[::HELD_OUT])
        super().__init__(config, replace(data, classes=prompts, held_out=unseen))
        self.size = config["frame"]

    def loss(self, model: torch.nn.Module, phase: dict[str, Any], device: str) -> torch.Tensor:
        """Take the loss of a batch of clips, at the phase's `size` in pixels."""
        index = torch.randint(len(self.data.classes), (phase["batch"],)).tolist()
        prompts = [self.data.classes[i] for i in index]
        clips = self.film(prompts, torch.rand(len(prompts)), phase["size"]).to(device)
        return flow_loss(self.velocity, model, clips, self.words(model, prompts))

    def film(self, prompts: list[str], phases: torch.Tensor, size: int) -> torch.Tensor:
        """Film what the prompts say, `[B, 3, F, S, S]` in [-1, 1]; see `clips.film`."""
        names, motions = zip(*(self.parts(prompt) for prompt in prompts), strict=True)
        pictures = self.data.images[[self.identities.index(name) for name in names]] / 127.5 - 1
        return film(pictures, motions, phases, FRAMES, size)

    def parts(self, prompt: str) -> tuple[str, str]:
        """Return the identity and the motion that `prompt` names."""
        motion = next(motion for motion in MOTIONS if prompt.endswith(f" {motion}"))
        return prompt.removesuffix(f" {motion}"), motion

    def judge(self, shipped: ZooModel, pictures: Path, device: str) -> dict[str, Any]:
        """Draw `sheet.png` of 32 seeds and `held_out.png`; see whether each clip moves as it was asked to."""
        pipe, seeds = load(shipped, device), range(SHEET_SAMPLES)
        known, unseen = asked(shipped.classes, seeds), asked(self.data.held_out, seeds)
        found = {}
        for file, prompts in (("sheet", known), ("held_out", unseen)):
            drawn = shipped.draw(pipe, prompts, seeds, shipped.steps)
            save_sheet(drawn, prompts, pictures / f"{file}.png")
            found[file] = self.recognised(drawn, prompts)
        return {"clips": {"seeds": list(seeds), "held_out_prompts": len(self.data.held_out), **found}}

    def recognised(self, drawn: torch.Tensor, prompts: list[str]) -> dict[str, float]:
        """Compare clips `[B, F, 3, S, S]` with all motions of their identity: how many are nearest to their own one."""
        own, psnr = 0, []
        phases = torch.linspace(0, 1, PHASES)
        for clip, prompt in zip(drawn, prompts, strict=True):
            name, motion = self.parts(prompt)
            every = [f"{name} {other}" for other in MOTIONS for _ in range(PHASES)]
            true = self.film(every, phases.repeat(len(MOTIONS)), self.size).transpose(1, 2) / 2 + 0.5
            errors = (true - clip).square().mean(dim=(1, 2, 3, 4))
            own += list(MOTIONS)[int(errors.argmin()) // PHASES] == motion
            psnr.append(-10 * errors.min().log10())
        return {"nearest_is_own_motion": own, "nearest_psnr_db": torch.stack(psnr).median().item()}
