"""What models of real size are called with: random numbers, in the shapes that a pipeline gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tokred.estimation.models import Family, RealModel

DTYPE = torch.bfloat16
LATENT = 8
"""Pixels, along each side, in one latent."""
FRAMES = 21
"""Of latents, in the 81 frames of a video."""
Arguments = dict[str, Any]


def moment(model: RealModel, time: float) -> Arguments:
    """Return what a model is told of the time, a share of noise."""
    if model.family == "vit":
        return {}
    scale = 1 if model.family == "flux" else 1000
    return {"timestep": torch.full((model.batch,), scale * time), "return_dict": False}


def _latents(config: Arguments, model: RealModel, pixels: int) -> Arguments:
    side = pixels // LATENT
    return {"hidden_states": torch.randn(model.batch, config["in_channels"], side, side)}


def _dit(config: Arguments, model: RealModel, pixels: int) -> Arguments:
    return {**_latents(config, model, pixels), "class_labels": torch.arange(model.batch)}


def _pixart(config: Arguments, model: RealModel, pixels: int) -> Arguments:
    return {
        **_latents(config, model, pixels),
        "encoder_hidden_states": torch.randn(model.batch, model.text, config["caption_channels"]),
        "encoder_attention_mask": torch.ones(model.batch, model.text),
        "added_cond_kwargs": {"resolution": None, "aspect_ratio": None},
    }


def _prompt(config: Arguments, model: RealModel) -> Arguments:
    return {
        "encoder_hidden_states": torch.randn(model.batch, model.text, config["joint_attention_dim"]),
        "pooled_projections": torch.randn(model.batch, config["pooled_projection_dim"]),
    }


def _sd3(config: Arguments, model: RealModel, pixels: int) -> Arguments:
    return {**_latents(config, model, pixels), **_prompt(config, model)}


def _flux(config: Arguments, model: RealModel, pixels: int) -> Arguments:
    side = pixels // LATENT // 2  # four latents are packed into one token
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return {
        "hidden_states": torch.randn(model.batch, side * side, config["in_channels"]),
        **_prompt(config, model),
        "img_ids": torch.stack([torch.zeros_like(rows), rows, columns], dim=-1).reshape(-1, 3).to(DTYPE),
        "txt_ids": torch.zeros(model.text, 3),
        "guidance": torch.full((model.batch,), 3.5),
    }


def _unet(config: Arguments, model: RealModel, pixels: int) -> Arguments:
    side, sizes = pixels // LATENT, 6 * config["addition_time_embed_dim"]
    pooled = config["projection_class_embeddings_input_dim"] - sizes
    return {
        "sample": torch.randn(model.batch, 4, side, side),
        "encoder_hidden_states": torch.randn(model.batch, model.text, config["cross_attention_dim"]),
        "added_cond_kwargs": {
            "text_embeds": torch.randn(model.batch, pooled),
            "time_ids": torch.zeros(model.batch, 6),
        },
    }


def _wan(config: Arguments, model: RealModel, pixels: int) -> Arguments:
    height = pixels // LATENT
    width = round(height * 26 / 15) // 2 * 2
    return {
        "hidden_states": torch.randn(model.batch, config["in_channels"], FRAMES, height, width),
        "encoder_hidden_states": torch.randn(model.batch, model.text, config["text_dim"]),
    }


def _vit(config: Arguments, model: RealModel, pixels: int) -> Arguments:
    return {"x": torch.randn(model.batch, 3, pixels, pixels)}


ARGUMENTS: dict[Family, Callable[[Arguments, RealModel, int], Arguments]] = {
    "dit": _dit,
    "vit": _vit,
    "pixart": _pixart,
    "sd3": _sd3,
    "flux": _flux,
    "unet": _unet,
    "wan": _wan,
}
