"""Wan 2.1 and 2.2 and the models that were made of it: VACE, Animate, ChronoEdit, SkyReels."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tokred.testing import Grid, Host, call_transformer
from tokred_adapters.tiny.clips import FRAMES, latents, prompt
from tokred_adapters.tiny.making import KEYS, thousandths

SIZE: dict[str, Any] = {
    "patch_size": (1, 2, 2),
    "num_attention_heads": 2,
    "attention_head_dim": 12,
    "in_channels": 4,
    "out_channels": 4,
    "text_dim": 16,
    "freq_dim": 16,
    "ffn_dim": 32,
    "num_layers": 2,
    "rope_max_seq_len": 32,
}
PICTURE: dict[str, Any] = {"image_dim": 10, "added_kv_proj_dim": 24}
"""Of a model that sees a picture, too: the width of its features, and keys of their own."""
SEEING: dict[str, Any] = {**FRAMES, "text": 512, "keys": KEYS}
"""Such a model takes the last 512 tokens for text and those before for the picture."""


def _wan(**kwargs: Any) -> Any:
    from diffusers import WanTransformer3DModel

    return WanTransformer3DModel(**SIZE, **kwargs)


def _vace() -> Any:
    from diffusers import WanVACETransformer3DModel

    return WanVACETransformer3DModel(**SIZE, vace_layers=[0, 1], vace_in_channels=6)


def _animate() -> Any:
    from diffusers import WanAnimateTransformer3DModel

    return WanAnimateTransformer3DModel(
        **SIZE | {"in_channels": 12},  # latents, those of the character, and a mask of 4
        **PICTURE,
        latent_channels=4,
        motion_encoder_channel_sizes={"4": 8, "8": 8, "16": 8},
        motion_encoder_size=16,
        motion_style_dim=8,
        motion_dim=4,
        motion_encoder_dim=8,
        face_encoder_hidden_dim=16,
        face_encoder_num_heads=2,
        inject_face_latents_blocks=2,
    )


def _chronoedit() -> Any:
    from diffusers import ChronoEditTransformer3DModel

    return ChronoEditTransformer3DModel(**SIZE, **PICTURE, rope_temporal_skip_len=3)


def _skyreels() -> Any:
    from diffusers import SkyReelsV2Transformer3DModel

    return SkyReelsV2Transformer3DModel(**SIZE)


def _prompt_and_picture(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    seen = torch.randn(batch, 4, 10, generator=generator)
    return {**prompt(generator, batch, grid, text), "encoder_hidden_states_image": seen}


def _control(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    control = torch.randn(latents(6)(batch, grid), generator=generator)
    return {**prompt(generator, batch, grid, text), "control_hidden_states": control}


def _character(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """Make a pose for each frame but the first, and of a face four frames for each of these but the first."""
    poses, faces = grid[0] - 1, 4 * (grid[0] - 1) - 3
    return {
        **_prompt_and_picture(generator, batch, grid, text),
        "reference": torch.randn(latents(8)(batch, grid), generator=generator),
        "pose_hidden_states": torch.randn(latents()(batch, (poses, *grid[1:])), generator=generator),
        "face_pixel_values": torch.randn(batch, 3, faces, 16, 16, generator=generator),
    }


def _call_time_per_token(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Give each token a time of its own: tokens of the first frame are clean already."""
    frames, height, width = arguments["hidden_states"].shape[2:]
    moments = moment[:, None].repeat(1, frames * height * width // 4)
    moments[:, : height * width // 4] = 0
    return call_transformer(model, arguments, moments)


def _call_time_per_frame(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Give each frame a time of its own, later frames a later one."""
    moments = moment[:, None] + torch.arange(arguments["hidden_states"].shape[2])
    return call_transformer(model, {**arguments, "enable_diffusion_forcing": True}, moments.clamp(max=999))


def _call_with_reference(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Join the latents with those of the character and its mask."""
    rest = dict(arguments)
    joined = torch.cat([rest.pop("hidden_states"), rest.pop("reference")], dim=1)
    return call_transformer(model, {**rest, "hidden_states": joined}, moment)


WAN = (
    Host("wan", _wan, latents(), prompt, thousandths, keys=KEYS, **FRAMES),
    Host("wan-ti2v", _wan, latents(), prompt, thousandths, call_model=_call_time_per_token, keys=KEYS, **FRAMES),
    Host("wan-i2v", lambda: _wan(**PICTURE), latents(), _prompt_and_picture, thousandths, **SEEING),
    Host("wan-vace", _vace, latents(), _control, thousandths, keys=KEYS, **FRAMES),
    Host("wan-animate", _animate, latents(), _character, thousandths, call_model=_call_with_reference, **SEEING),
    Host("chronoedit", _chronoedit, latents(), _prompt_and_picture, thousandths, **SEEING),
)
SKYREELS = (
    Host("skyreels", _skyreels, latents(), prompt, thousandths, keys=KEYS, **FRAMES),
    Host(
        "skyreels-df",
        _skyreels,
        latents(),
        prompt,
        thousandths,
        call_model=_call_time_per_frame,
        keys=KEYS,
        **FRAMES,
    ),
)
HOSTS = (*WAN, *SKYREELS)
