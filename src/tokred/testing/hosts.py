"""tokred's own tiny models: the classes that users run, with random weights.

Diffusers and timm are imported when a model is built.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tokred.testing.host import Grid, Host, call_classifier

TEXT = 5
"""Text tokens, where there are any."""
ALL_KEYS = ("kept", "full", "recovered")


def _dit() -> Any:
    from diffusers import DiTTransformer2DModel

    return DiTTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=3,
        out_channels=3,
        num_layers=2,
        sample_size=16,
        patch_size=2,
        num_embeds_ada_norm=1000,
    )


def _pixart() -> Any:
    from diffusers import PixArtTransformer2DModel

    return PixArtTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        cross_attention_dim=32,
        sample_size=16,
        patch_size=2,
        caption_channels=12,
        use_additional_conditions=False,
    )


def _sd3(**kwargs: Any) -> Any:
    from diffusers import SD3Transformer2DModel

    return SD3Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=12,
        caption_projection_dim=32,
        pooled_projection_dim=14,
        pos_embed_max_size=12,
        **kwargs,
    )


def _flux() -> Any:
    from diffusers import FluxTransformer2DModel

    return FluxTransformer2DModel(
        in_channels=4,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=12,
        pooled_projection_dim=14,
        axes_dims_rope=(4, 6, 6),
    )


def _vit(**kwargs: Any) -> Any:
    from timm.models.vision_transformer import VisionTransformer

    sizes = {"embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 7} | kwargs
    return VisionTransformer(img_size=(24, 32), patch_size=4, dynamic_img_size=True, **sizes)


def _latents(channels: int, patch: int) -> Callable[[int, Grid], tuple[int, ...]]:
    return lambda batch, grid: (batch, channels, grid[0] * patch, grid[1] * patch)


def _label(generator: torch.Generator, batch: int, grid: Grid) -> dict[str, Any]:
    return {"class_labels": torch.randint(10, (batch,), generator=generator)}


def _caption(generator: torch.Generator, batch: int, grid: Grid) -> dict[str, Any]:
    mask = torch.ones(batch, TEXT)
    mask[:, -2:] = 0  # padding
    text = torch.randn(batch, TEXT, 12, generator=generator)
    size = {"resolution": None, "aspect_ratio": None}
    return {"encoder_hidden_states": text, "encoder_attention_mask": mask, "added_cond_kwargs": size}


def _prompt(generator: torch.Generator, batch: int, grid: Grid) -> dict[str, Any]:
    return {
        "encoder_hidden_states": torch.randn(batch, TEXT, 12, generator=generator),
        "pooled_projections": torch.randn(batch, 14, generator=generator),
    }


def _prompt_and_ids(generator: torch.Generator, batch: int, grid: Grid) -> dict[str, Any]:
    rows, columns = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
    ids = torch.stack([torch.zeros_like(rows), rows, columns], dim=-1).reshape(-1, 3)
    return {**_prompt(generator, batch, grid), "img_ids": ids.float(), "txt_ids": torch.zeros(TEXT, 3)}


def _thousandths(time: float) -> int:
    return round(999 * time)


def _vit_host(name: str, **kwargs: Any) -> Host:
    return Host(name, lambda: _vit(**kwargs), _latents(3, 4), argument="x", call_model=call_classifier)


DIT = (  # this class draws square pictures only
    Host("dit", _dit, _latents(3, 2), _label, _thousandths, keys=ALL_KEYS, grid=(6, 6), other_grid=(4, 4)),
)
PIXART = (Host("pixart", _pixart, _latents(4, 2), _caption, _thousandths, keys=ALL_KEYS),)
SD3 = (
    Host("sd3", _sd3, _latents(4, 2), _prompt, _thousandths, keys=ALL_KEYS),
    Host(
        "sd35",
        lambda: _sd3(dual_attention_layers=(0,), qk_norm="rms_norm"),
        _latents(4, 2),
        _prompt,
        _thousandths,
        keys=ALL_KEYS,
    ),
)
FLUX = (
    Host(
        "flux",
        _flux,
        lambda batch, grid: (batch, grid[0] * grid[1], 4),
        _prompt_and_ids,
        float,
        per_sample=False,
        keys=("kept", "full", "recovered"),
    ),
)
VIT = (
    _vit_host("vit"),
    _vit_host("deit3", init_values=1e-6, no_embed_class=True),
    _vit_host("vit-registers", reg_tokens=4, class_token=True),
)
FASHION = (_vit_host("vit-128", embed_dim=128, depth=4),)
"""As wide as the zoo's `fashion-vit`, for what was trained on its tokens."""
HOSTS = (*DIT, *PIXART, *SD3, *FLUX, *VIT)
