"""UNets that draw clips: Stable Video Diffusion, ModelScope's text to video, I2VGen-XL, AnimateDiff."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.clips import prompt
from tokred_adapters.tiny.making import thousandths

SIZE: dict[str, Any] = {"in_channels": 4, "out_channels": 4, "layers_per_block": 1, "block_out_channels": (8, 16)}
NORM: dict[str, Any] = {"norm_num_groups": 4, "cross_attention_dim": 16}
CLIP: dict[str, Any] = {"grid": (3, 8, 12), "other_grid": (2, 12, 8)}
"""Frames, height and width of the latents."""


def _blocks(kind: str, attention: str = "CrossAttn") -> dict[str, Any]:
    down = (f"{attention}DownBlock{kind}", f"DownBlock{kind}")
    return {"down_block_types": down, "up_block_types": (f"UpBlock{kind}", f"{attention}UpBlock{kind}")}


def _svd() -> Any:
    from diffusers import UNetSpatioTemporalConditionModel

    return UNetSpatioTemporalConditionModel(
        **SIZE | {"block_out_channels": (32, 32)},  # its norms have groups of 32
        **_blocks("SpatioTemporal"),
        addition_time_embed_dim=4,
        projection_class_embeddings_input_dim=12,
        cross_attention_dim=16,
        num_attention_heads=(2, 2),
        num_frames=3,
    )


def _modelscope() -> Any:
    from diffusers import UNet3DConditionModel

    return UNet3DConditionModel(**SIZE, **NORM, **_blocks("3D"), attention_head_dim=4)


def _i2vgen() -> Any:
    from diffusers import I2VGenXLUNet

    return I2VGenXLUNet(**SIZE, **NORM, **_blocks("3D"), attention_head_dim=4)


def _animatediff() -> Any:
    from diffusers import UNetMotionModel

    return UNetMotionModel(**SIZE, **NORM, **_blocks("Motion"), num_attention_heads=2, motion_num_attention_heads=2)


def _clip(batch: int, grid: Grid) -> tuple[int, ...]:
    return batch, 4, *grid


def _frames_first(batch: int, grid: Grid) -> tuple[int, ...]:
    return batch, grid[0], 4, *grid[1:]


def _first_picture(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """Make the features of the picture that the clip begins with; there is no text."""
    seen = torch.randn(batch, 1, 16, generator=generator)
    return {"encoder_hidden_states": seen, "added_time_ids": torch.tensor([[6.0, 127.0, 0.02]] * batch)}


def _picture_and_prompt(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {
        **prompt(generator, batch, grid, text),
        "fps": torch.full((batch,), 16),
        "image_latents": torch.randn(_clip(batch, grid), generator=generator),
        "image_embeddings": torch.randn(batch, 1, 16, generator=generator),
    }


def _prompt_per_frame(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """Make text embeddings `[BF, T, C]`: this class wants them once for each frame."""
    embeds = prompt(generator, batch, grid, text)["encoder_hidden_states"]
    return {"encoder_hidden_states": embeds.repeat_interleave(grid[0], dim=0)}


HOSTS = (
    Host("svd", _svd, _frames_first, _first_picture, thousandths, argument="sample", text=0, **CLIP),
    Host("modelscope", _modelscope, _clip, prompt, thousandths, argument="sample", **CLIP),
    Host("i2vgen", _i2vgen, _clip, _picture_and_prompt, thousandths, argument="sample", **CLIP),
    Host("animatediff", _animatediff, _clip, _prompt_per_frame, thousandths, argument="sample", **CLIP),
)
