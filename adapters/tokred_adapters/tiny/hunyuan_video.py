"""HunyuanVideo, its 1.5, its Framepack, and MotifVideo."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tokred.testing import Grid, Host, call_transformer
from tokred_adapters.tiny.clips import FRAMES, latents, masked_prompt
from tokred_adapters.tiny.making import KEYS, thousandths

SIZE: dict[str, Any] = {
    "in_channels": 4,
    "out_channels": 4,
    "num_attention_heads": 2,
    "attention_head_dim": 12,
    "num_layers": 2,
    "mlp_ratio": 2.0,
    "text_embed_dim": 16,
    "rope_axes_dim": (4, 4, 4),
}
SINGLES: dict[str, Any] = {"num_single_layers": 2, "num_refiner_layers": 1, "pooled_projection_dim": 10}


def _hunyuan(**kwargs: Any) -> Any:
    from diffusers import HunyuanVideoTransformer3DModel

    return HunyuanVideoTransformer3DModel(**SIZE, **SINGLES, **kwargs)


def _framepack() -> Any:
    from diffusers import HunyuanVideoFramepackTransformer3DModel

    return HunyuanVideoFramepackTransformer3DModel(
        **SIZE, **SINGLES, has_image_proj=True, image_proj_dim=6, has_clean_x_embedder=True
    )


def _hunyuan15() -> Any:
    from diffusers import HunyuanVideo15Transformer3DModel

    return HunyuanVideo15Transformer3DModel(
        **SIZE, num_refiner_layers=1, patch_size=2, text_embed_2_dim=8, image_embed_dim=6
    )


def _motif() -> Any:
    from diffusers import MotifVideoTransformer3DModel

    return MotifVideoTransformer3DModel(**SIZE, num_single_layers=2)


def _pooled(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    pooled = torch.randn(batch, 10, generator=generator)
    return {**masked_prompt(generator, batch, grid, text), "pooled_projections": pooled}


def _guided(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {**_pooled(generator, batch, grid, text), "guidance": torch.full((batch,), 6000.0)}


def _history(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """Make three stretches of the frames before: 2 as they are, 2 at half and 4 at a quarter of the size."""

    def past(frames: int) -> torch.Tensor:
        return torch.randn(latents()(batch, (frames, *grid[1:])), generator=generator)

    return {
        **_guided(generator, batch, grid, text),
        "image_embeds": torch.randn(batch, 4, 6, generator=generator),
        "indices_latents": torch.arange(8, 8 + grid[0]),
        "latents_clean": past(2),
        "indices_latents_clean": torch.tensor([0, 7]),
        "latents_history_2x": past(2),
        "indices_latents_history_2x": torch.arange(5, 7),
        "latents_history_4x": past(4),
        "indices_latents_history_4x": torch.arange(1, 5),
    }


def _second_prompt(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {
        **masked_prompt(generator, batch, grid, text),
        "encoder_hidden_states_2": torch.randn(batch, 3, 8, generator=generator),
        "encoder_attention_mask_2": torch.ones(batch, 3),
        "image_embeds": torch.randn(batch, 4, 6, generator=generator),
    }


def _call_with_fractions(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Call with times of the dtype of the latents, as this class wants them."""
    return call_transformer(model, arguments, moment.to(arguments["hidden_states"]))


HUNYUAN_VIDEO = (
    Host("hunyuan-video", _hunyuan, latents(), _guided, thousandths, keys=KEYS, **FRAMES),
    Host(
        "hunyuan-video-i2v",
        lambda: _hunyuan(guidance_embeds=False, image_condition_type="token_replace"),
        latents(),
        _pooled,
        thousandths,
        keys=KEYS,
        **FRAMES,
    ),
)
HUNYUAN_VIDEO_15 = (
    Host(
        "hunyuan-video-15",
        _hunyuan15,
        latents(),
        _second_prompt,
        thousandths,
        call_model=_call_with_fractions,
        **FRAMES,
    ),
)
MOTIF_VIDEO = (Host("motif-video", _motif, latents(), masked_prompt, thousandths, keys=KEYS, **FRAMES),)
HOSTS = (
    *HUNYUAN_VIDEO,
    *HUNYUAN_VIDEO_15,
    *MOTIF_VIDEO,
    Host("framepack", _framepack, latents(), _history, thousandths, **FRAMES),
)
