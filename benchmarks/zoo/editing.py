"""What `emoji-edit` learns: to draw the edited picture from noise, with the picture before it as a reference."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from data import LabelledImages
from edits import Edits
from flow import SHEET_SAMPLES, FlowTask, flow_loss
from sheet import COLUMNS, save_sheet
from tokred.zoo.catalog import REFERENCES, ZooModel
from tokred.zoo.draw import draw
from tokred.zoo.load import load
from tokred.zoo.spread import asked


class EditTask(FlowTask):
    """Learning to edit; see `train.Task`."""

    def __init__(self, config: dict[str, Any], data: LabelledImages, unseen: LabelledImages) -> None:
        """Edit the pictures of `data`; be shown and judged on those of `unseen`."""
        self.edits = Edits(data, **config["edits"])
        super().__init__(config, replace(data, classes=self.edits.prompts))
        self.references = unseen.images[:: max(1, len(unseen.images) // SHEET_SAMPLES)][:SHEET_SAMPLES]

    def loss(self, model: torch.nn.Module, phase: dict[str, Any], device: str) -> torch.Tensor:
        """Take the loss of a batch, both pictures at the phase's `size` in pixels; only the target is noised."""
        pictures, _ = self.data.batch(phase["batch"], "cpu")  # edits look at single pixels, which a GPU is slow to say
        prompts = self.edits.sample(len(pictures), self.config["train"]["kinds"])
        target = self.coarse(self.edits.apply(pictures, prompts).to(device), phase)
        velocity = partial(self.velocity, reference=self.coarse(pictures.to(device), phase))
        return flow_loss(velocity, model, target, self.words(model, prompts))

    def show(self, model: torch.nn.Module, folder: Path) -> str:
        """Edit 8 unseen pictures in 4 steps into `folder / "sheet.png"`."""
        names = self.edits.prompts
        pipe = self.family.pipeline(model, names, self.size)
        shown = asked(names, range(COLUMNS))
        request = self.family.request(pipe, shown) | {"image": self._references(COLUMNS)}
        drawn = draw(pipe, request, range(COLUMNS), steps=4, guidance=self.config["sampling"]["guidance"])
        self._save_pairs(drawn, shown, folder / "sheet.png")
        found = ", ".join(f"{kind} {psnr:.1f}" for kind, psnr in self._psnr(drawn, shown).items())
        return f"sheet.png drawn; PSNR in dB: {found}"

    def tensors(self) -> dict[str, dict[str, torch.Tensor]]:
        """Return the references that the model is measured on."""
        return {REFERENCES: {"images": self.references}}

    def judge(self, shipped: ZooModel, pictures: Path, device: str) -> dict[str, Any]:
        """Edit the 32 unseen references, each by another prompt, and hold the results against the edits themselves."""
        seeds = range(SHEET_SAMPLES)
        drawn, shown = shipped.generate(load(shipped, device), seeds, shipped.steps), asked(shipped.classes, seeds)
        self._save_pairs(drawn, shown, pictures / "sheet.png")
        return {"edited": {"seeds": list(seeds), "psnr_db": self._psnr(drawn, shown)}}

    def _references(self, count: int) -> torch.Tensor:
        """Return what the seeds from 0 to below `count` edit, `[B, 3, H, W]` in [-1, 1]; see `ZooModel.references`."""
        return self.references[torch.arange(count) % len(self.references)] / 127.5 - 1

    def _save_pairs(self, drawn: torch.Tensor, prompts: list[str], path: Path) -> None:
        """Save a sheet with each reference left of what was made of it."""
        pairs = torch.stack([self._references(len(drawn)) / 2 + 0.5, drawn], dim=1).flatten(0, 1)
        save_sheet(pairs, [text for prompt in prompts for text in ("reference", prompt)], path)

    def _psnr(self, drawn: torch.Tensor, prompts: list[str]) -> dict[str, float]:
        """Return the mean PSNR to the true edit, in dB, by kind of edit."""
        true = self.edits.apply(self._references(len(drawn)), prompts) / 2 + 0.5
        psnr = -10 * (drawn - true).square().mean(dim=(1, 2, 3)).log10()
        found: dict[str, list[float]] = {}
        for prompt, value in zip(prompts, psnr.tolist(), strict=True):
            found.setdefault(self.edits.kind(prompt), []).append(value)
        return {kind: fmean(values) for kind, values in found.items()}
