"""Rectified flow: what a diffusion model of the zoo learns, and the pictures that show how far it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from diffusers import FluxPipeline

from data import LabelledImages
from nearest import nearest
from sheet import COLUMNS, save_sheet
from start import start_from
from tokred.zoo.catalog import ZooModel
from tokred.zoo.draw import draw
from tokred.zoo.encoder import WordEncoder
from tokred.zoo.families import drawing_family
from tokred.zoo.load import load
from tokred.zoo.prompted import Prompted
from tokred.zoo.spread import asked
from tokred.zoo.words import split_words, vocabulary

SHEET_SAMPLES = 32
Velocity = Callable[..., torch.Tensor]
"""From the network, `mixed`, `sigma` and what is wanted to the velocity."""


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
    model: Prompted,
    mixed: torch.Tensor,
    sigma: torch.Tensor,
    words: torch.Tensor,
    size: int,
    reference: torch.Tensor | None = None,
) -> torch.Tensor:
    """Ask a Flux for the velocity, as `sd3_velocity`; positions are those of a picture of `size` pixels a side.

    A `reference`, of the shape of `mixed`, follows it as a picture of its own, as Flux Kontext takes it.
    """
    batch, channels, height, width = mixed.shape
    tokens, pooled = model.text(words)
    places = FluxPipeline._prepare_latent_image_ids(batch, height // 2, width // 2, mixed.device, mixed.dtype)
    pictures = [mixed] if reference is None else [mixed, reference]
    count, places = len(places), places * (size / height)
    packed: torch.Tensor = model.transformer(
        torch.cat([FluxPipeline._pack_latents(p, batch, channels, height, width) for p in pictures], dim=1),
        timestep=sigma,
        encoder_hidden_states=tokens,
        pooled_projections=pooled,
        img_ids=torch.cat([places + places.new_tensor([image, 0, 0]) for image in range(len(pictures))]),
        txt_ids=places.new_zeros(tokens.shape[1], 3),
    ).sample
    velocity: torch.Tensor = FluxPipeline._unpack_latents(packed[:, :count], height, width, vae_scale_factor=1)
    return velocity


def wan_velocity(
    model: Prompted, mixed: torch.Tensor, sigma: torch.Tensor, words: torch.Tensor, size: int
) -> torch.Tensor:
    """Ask a Wan for the velocity at clips `mixed` `[B, 3, F, H, W]`, as `flux_velocity`."""
    tokens, _ = model.text(words)
    placing = model.transformer.rope.register_forward_hook(partial(_placed, size=size))
    with placing:
        velocity: torch.Tensor = model.transformer(mixed, timestep=sigma * 1000, encoder_hidden_states=tokens).sample
    return velocity


def _placed(
    rope: torch.nn.Module, called: tuple[torch.Tensor], found: tuple[torch.Tensor, ...], size: int
) -> tuple[torch.Tensor, ...]:
    """Return the rotations that tokens of coarse frames have at their places in frames of `size` pixels a side."""
    clips, (_, patch, _) = called[0], rope.patch_size
    apart, places = size // clips.shape[-1], (clips.shape[2], size // patch, size // patch)
    whole = rope.forward(clips.new_empty(1).expand(*clips.shape[:3], size, size))
    return tuple(part.unflatten(1, places)[:, :, ::apart, ::apart].flatten(1, 3) for part in whole)


def flow_loss(velocity: Velocity, model: torch.nn.Module, images: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean squared error of the predicted velocity `noise - picture` at logit-normal times.

    Args:
        velocity: asks `model` for the velocity.
        model: predicts it.
        images: `[B, 3, H, W]` in [-1, 1], or clips `[B, 3, F, H, W]`.
        wanted: what each picture shows, `[B, ...]`: its class, or the words of its prompt.
    """
    sigma = torch.sigmoid(torch.randn(len(images), device=images.device))
    noise = torch.randn_like(images)
    mixed = torch.lerp(images, noise, sigma.view(-1, *[1] * (images.ndim - 1)))
    return torch.nn.functional.mse_loss(velocity(model, mixed, sigma, wanted).float(), noise - images)


class FlowTask:
    """Learning to draw; see `train.Task`."""

    def __init__(self, config: dict[str, Any], data: LabelledImages) -> None:
        self.family = drawing_family(config["family"])
        self.config, self.data = config, data
        self.size = data.images.shape[-1]
        flux = partial(flux_velocity, size=self.size)
        velocities = {
            "dit": dit_velocity,
            "sd3": sd3_velocity,
            "flux": flux,
            "kontext": flux,
            "wan": partial(wan_velocity, size=self.size),
        }
        self.velocity: Velocity = velocities[config["family"]]

    def build(self) -> torch.nn.Module:
        """Build the untrained network, or the one that the config's `start` names."""
        model = self.family.build(self.config["model"], self.data.classes).eval()
        if "start" in self.config:
            start_from(cast(Prompted, model), self.config["start"])
        return model

    def loss(self, model: torch.nn.Module, phase: dict[str, Any], device: str) -> torch.Tensor:
        """Take the loss of a batch, at the phase's `size` in pixels."""
        images, labels = self.data.batch(phase["batch"], device)
        return flow_loss(self.velocity, model, self.coarse(images, phase), self._wanted(model, labels))

    def coarse(self, images: torch.Tensor, phase: dict[str, Any]) -> torch.Tensor:
        """Bring images `[B, 3, H, W]` to the phase's `size` in pixels."""
        return torch.nn.functional.interpolate(images, size=(phase["size"],) * 2, mode="area")

    def show(self, model: torch.nn.Module, folder: Path) -> str:
        """Draw 8 pictures into `folder / "sheet.png"`, in 10 steps or the fewer that the model is meant for."""
        names = self.data.classes
        pipe = self.family.pipeline(model, names, self.size)
        shown = asked(names, range(COLUMNS))
        request = self.family.request(pipe, shown)
        sampling = self.config["sampling"]
        pictures = draw(pipe, request, range(COLUMNS), min(10, sampling["steps"]), sampling["guidance"])
        save_sheet(pictures, shown, folder / "sheet.png")
        return "sheet.png drawn"

    def weights(self, model: torch.nn.Module) -> dict[str, torch.Tensor]:
        """Return all of the network."""
        return model.state_dict()

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
        """Return the classes, or the words of the prompts."""
        if not isinstance(model, Prompted):
            return labels
        return self.words(model, [self.data.classes[label] for label in labels.tolist()])

    def words(self, model: torch.nn.Module, prompts: Sequence[str]) -> torch.Tensor:
        """Return the words of the prompts, `[B, 8]`, some of them left out for guidance to have a contrast."""
        words = cast(Prompted, model).text.numbers(prompts)
        dropped = torch.rand(len(words), 1, device=words.device) < self.config["train"]["drop"]
        return words.masked_fill(dropped, 0)
