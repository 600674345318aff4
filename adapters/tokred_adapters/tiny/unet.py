"""UNets that draw pictures: Stable Diffusion 1.5 and XL, DDPM, IF and both Kandinskys, Stable Cascade.

A grid counts the cells of the latents, and the levels below have half as many rows and columns each.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tokred.testing import Grid, Host
from tokred_adapters.tiny.clips import masked_prompt, no_conditions, prompt
from tokred_adapters.tiny.making import KEYS, thousandths

SIZE: dict[str, Any] = {"in_channels": 4, "out_channels": 4, "norm_num_groups": 4, "layers_per_block": 1}
TEXT: dict[str, Any] = {"cross_attention_dim": 16}


def _sd15() -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        **SIZE,
        **TEXT,
        block_out_channels=(16, 24, 32),
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        attention_head_dim=2,
    )


def _sdxl() -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        **SIZE,
        **TEXT,
        block_out_channels=(8, 16, 24),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 1, 2),
        attention_head_dim=(1, 2, 2),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=4,
        projection_class_embeddings_input_dim=10 + 6 * 4,
    )


def _if() -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        in_channels=3,
        out_channels=3,
        norm_num_groups=4,
        layers_per_block=1,
        cross_attention_dim=32,
        encoder_hid_dim=16,
        block_out_channels=(8, 16),
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        attention_head_dim=4,
        addition_embed_type="text",
        addition_embed_type_num_heads=2,
        cross_attention_norm="group_norm",
        resnet_time_scale_shift="scale_shift",
        act_fn="gelu",
    )


def _kandinsky22() -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        **SIZE,
        cross_attention_dim=12,
        encoder_hid_dim=16,
        encoder_hid_dim_type="image_proj",
        block_out_channels=(8, 16),
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        attention_head_dim=4,
        addition_embed_type="image",
        resnet_time_scale_shift="scale_shift",
    )


def _kandinsky3() -> Any:
    from diffusers import Kandinsky3UNet

    return Kandinsky3UNet(
        in_channels=4,
        time_embedding_dim=8,
        groups=2,
        attention_head_dim=4,
        layers_per_block=2,
        block_out_channels=(8, 16),
        cross_attention_dim=12,
        encoder_hid_dim=16,
    )


def _ddpm() -> Any:
    from diffusers import UNet2DModel

    return UNet2DModel(
        **SIZE,
        block_out_channels=(16, 24),
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=8,
    )


def _cascade() -> Any:
    from diffusers import StableCascadeUNet

    return StableCascadeUNet(
        in_channels=4,
        out_channels=4,
        timestep_ratio_embedding_dim=8,
        conditioning_dim=16,
        block_out_channels=(16, 16),
        num_attention_heads=(2, 2),
        down_num_layers_per_block=(1, 1),
        up_num_layers_per_block=(1, 1),
        clip_text_in_channels=16,
        clip_text_pooled_in_channels=10,
        clip_image_in_channels=6,
        clip_seq=2,
        switch_level=(False,),
    )


def _latents(batch: int, grid: Grid) -> tuple[int, ...]:
    return batch, 4, *grid


def _pixels(batch: int, grid: Grid) -> tuple[int, ...]:
    return batch, 3, *grid


def _prompt_and_sizes(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    pooled, sizes = torch.randn(batch, 10, generator=generator), torch.tensor([[96, 128, 0, 0, 96, 128]] * batch)
    added = {"text_embeds": pooled, "time_ids": sizes}
    return {**prompt(generator, batch, grid, text), "added_cond_kwargs": added}


def _picture_embeds(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    embeds = torch.randn(batch, 16, generator=generator)
    return {"encoder_hidden_states": None, "added_cond_kwargs": {"image_embeds": embeds}}


def _clip(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {
        "clip_text_pooled": torch.randn(batch, 1, 10, generator=generator),
        "clip_text": torch.randn(batch, text, 16, generator=generator),
        "clip_img": torch.randn(batch, 1, 6, generator=generator),
    }


def _call_cascade(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    output: torch.Tensor = model(**arguments, timestep_ratio=moment, return_dict=False)[0]
    return output


LATENTS: dict[str, Any] = {"argument": "sample", "grid": (12, 16), "other_grid": (16, 8)}
UNET = (
    Host("sd15", _sd15, _latents, prompt, thousandths, keys=KEYS, **LATENTS),
    Host("sdxl", _sdxl, _latents, _prompt_and_sizes, thousandths, keys=KEYS, **LATENTS),
    Host("deepfloyd", _if, _pixels, prompt, thousandths, **LATENTS),
    Host("kandinsky22", _kandinsky22, _latents, _picture_embeds, thousandths, text=0, **LATENTS),
)
HOSTS = (
    *UNET,
    Host("kandinsky3", _kandinsky3, _latents, masked_prompt, thousandths, **LATENTS),
    Host("ddpm", _ddpm, _latents, no_conditions, thousandths, text=0, **LATENTS),
    Host("cascade", _cascade, _latents, _clip, float, call_model=_call_cascade, **LATENTS),
)
