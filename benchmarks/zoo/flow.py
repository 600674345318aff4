"""Rectified flow: what a diffusion model of the zoo learns, and the pictures that show how far it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import FluxPipeline

from data import LabelledImages
from nearest import nearest
from sheet import COLUMNS, save_sheet
from tokred.zoo.catalog import ZooModel
from tokred.zoo.draw import draw
from tokred.zoo.encoder import WordEncoder
from tokred.zoo.families import drawing_family
from tokred.zoo.load import load
from tokred.zoo.prompted import Prompted
from tokred.zoo.spread import asked
from tokred.zoo.words import split_words, vocabulary

SHEET_SAMPLES = 32
Velocity = Callable[[torch.nn.Module, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def dit_velocity(
    model: torch.nn.Module, mixed: torch.Tensor, sigma: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Ask a DiT for the velocity at `mixed` `[B, 3, H, W]`, noise level `sigma` `[B]` and classes `[B]`."""
    velocity: torch.Tensor = model(mixed, timestep=sigma * 1000, class_labels=labels).sample
    return velocity


def sd3_velocity(model: Prompted, mixed: torch.Tensor, sigma: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
    """Ask an SD3 for the velocity at `mixed` `[B, 3, H, W]`, noise level `sigma` `[B]` and words `[B, 8]`."""
    tokens, pooled = model.text(words)
    velocity: torch.Tensor = model.transformer(
        mixed, timestep=sigma * 1000, encoder_hidden_states=tokens, pooled_projections=pooled
    ).sample
    return velocity


def flux_velocity(
    model: Prompted, mixed: torch.Tensor, sigma: torch.Tensor, words: torch.Tensor, size: int
) -> torch.Tensor:
    """Ask a Flux for the velocity, as `sd3_velocity`; positions are those of a picture of `size` pixels a side."""
    batch, channels, height, width = mixed.shape
    tokens, pooled = model.text(words)
    places = FluxPipeline._prepare_latent_image_ids(batch, height // 2, width // 2, mixed.device, mixed.dtype)
    packed: torch.Tensor = model.transformer(
        FluxPipeline._pack_latents(mixed, batch, channels, height, width),
        timestep=sigma,
        encoder_hidden_states=tokens,
        pooled_projections=pooled,
        img_ids=places * (size / height),
        txt_ids=places.new_zeros(tokens.shape[1], 3),
    ).sample
    velocity: torch.Tensor = FluxPipeline._unpack_latents(packed, height, width, vae_scale_factor=1)
    return velocity


def flow_loss(velocity: Velocity, model: torch.nn.Module, images: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean squared error of the predicted velocity `noise - picture` at logit-normal times.

    Args:
        velocity: asks `model` for the velocity.
        model: predicts it.
        images: `[B, 3, H, W]` in [-1, 1].
        wanted: what each picture shows, `[B, ...]`: its class, or the words of its prompt.
    """
    sigma = torch.sigmoid(torch.randn(len(images), device=images.device))
    noise = torch.randn_like(images)
    mixed = torch.lerp(images, noise, sigma.view(-1, 1, 1, 1))
    return torch.nn.functional.mse_loss(velocity(model, mixed, sigma, wanted).float(), noise - images)


class FlowTask:
    """Learning to draw; see `train.Task`."""

    def __init__(self, config: dict[str, Any], data: LabelledImages) -> None:
        self.family = drawing_family(config["family"])
        self.config, self.data = config, data
        self.size = data.images.shape[-1]
        velocities = {"dit": dit_velocity, "sd3": sd3_velocity, "flux": partial(flux_velocity, size=self.size)}
        self.velocity: Velocity = velocities[config["family"]]

    def build(self) -> torch.nn.Module:
        """Build the untrained network."""
        return self.family.build(self.config["model"], self.data.classes).eval()

    def loss(self, model: torch.nn.Module, phase: dict[str, Any], device: str) -> torch.Tensor:
        """Take the loss of a batch, at the phase's `size` in pixels."""
        images, labels = self.data.batch(phase["batch"], device)
        images = torch.nn.functional.interpolate(images, size=(phase["size"],) * 2, mode="area")
        return flow_loss(self.velocity, model, images, self._wanted(model, labels))

    def show(self, model: torch.nn.Module, folder: Path) -> str:
        """Draw 8 pictures in 20 steps into `folder / "sheet.png"`."""
        names = self.data.classes
        pipe = self.family.pipeline(model, names, self.size)
        shown = asked(names, range(COLUMNS))
        request = self.family.request(pipe, shown)
        pictures = draw(pipe, request, range(COLUMNS), steps=20, guidance=self.config["sampling"]["guidance"])
        save_sheet(pictures, shown, folder / "sheet.png")
        return "sheet.png drawn"

    def tensors(self) -> dict[str, dict[str, torch.Tensor]]:
        """Nothing goes with the weights."""
        return {}

    def judge(self, shipped: ZooModel, pictures: Path, device: str) -> dict[str, Any]:
        """Draw `sheet.png` of 32 seeds, and of a prompted model `held_out.png`; compare the first with the training."""
        pipe, names = load(shipped, device), self.data.classes
        drawn = shipped.generate(pipe, range(SHEET_SAMPLES), shipped.steps)
        shown = asked(names, range(SHEET_SAMPLES))
        save_sheet(drawn, shown, pictures / "sheet.png")
        labels, psnr = nearest(drawn, self.data)
        own = sum(names[label] == name for label, name in zip(labels.tolist(), shown, strict=True))
        samples = {
            "seeds": list(range(SHEET_SAMPLES)),
            "nearest_is_own_class": own,
            "nearest_psnr_db": psnr.median().item(),
        }
        known, unknown = self._held_out(pipe)
        if known:
            prompts = [prompt for prompt in known for _ in range(COLUMNS)]
            drawn = shipped.draw(pipe, prompts, range(len(prompts)), shipped.steps)
            save_sheet(drawn, prompts, pictures / "held_out.png")
        return {"samples": samples, "held_out": {"prompts": known, "unknown": unknown}}

    def _held_out(self, pipe: Any) -> tuple[list[str], list[str]]:
        """Return the held-out prompts whose words the model knows, and the others; none of a class-conditional one."""
        if not isinstance(getattr(pipe, "text_encoder", None), WordEncoder):
            return [], []
        words = set(vocabulary(self.data.classes))
        known = [prompt for prompt in self.data.held_out if words.issuperset(split_words(prompt))]
        return known, [prompt for prompt in self.data.held_out if prompt not in known]

    def _wanted(self, model: torch.nn.Module, labels: torch.Tensor) -> torch.Tensor:
        """Return the classes, or the words of the prompts, some of them left out for guidance to have a contrast."""
        if not isinstance(model, Prompted):
            return labels
        words = model.text.numbers([self.data.classes[label] for label in labels.tolist()])
        dropped = torch.rand(len(labels), 1, device=words.device) < self.config["train"]["drop"]
        return words.masked_fill(dropped, 0)
