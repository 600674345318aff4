"""Vision transformers of Hugging Face's transformers: ViT, DINOv2, DINOv3, and the towers of CLIP and SigLIP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tokred.testing import Grid, Host
from tokred_adapters.tiny.clips import no_conditions

SIZE: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
PIXELS: dict[str, Any] = {"image_size": 24, "patch_size": 4}
WIDE: dict[str, Any] = {"intermediate_size": 40}


def _vit(name: str, **kwargs: Any) -> Any:
    import transformers

    return getattr(transformers, name)(transformers.ViTConfig(**SIZE, **PIXELS, **WIDE, **kwargs))


def _dinov2(name: str, **kwargs: Any) -> Any:
    import transformers

    config = getattr(transformers, f"{name.removesuffix('Model').removesuffix('ForImageClassification')}Config")
    return getattr(transformers, name)(config(**SIZE, **PIXELS, mlp_ratio=2, **kwargs))


def _dinov3(**kwargs: Any) -> Any:
    from transformers import DINOv3ViTConfig, DINOv3ViTModel

    return DINOv3ViTModel(DINOv3ViTConfig(**SIZE, **PIXELS, **WIDE, num_register_tokens=4, **kwargs))


def _tower(family: str, name: str) -> Any:
    import transformers

    config = getattr(transformers, f"{family}VisionConfig")(**SIZE, **PIXELS, **WIDE)
    return getattr(transformers, name)(config)


def _tower_classifier(family: str) -> Any:
    """Build a classifier around a tower; its text side is there in the config alone."""
    import transformers

    config = getattr(transformers, f"{family}Config")(vision_config={**SIZE, **PIXELS, **WIDE}, num_labels=7)
    return getattr(transformers, f"{family}ForImageClassification")(config)


def _pixels(batch: int, grid: Grid) -> tuple[int, ...]:
    return batch, 3, grid[0] * 4, grid[1] * 4


def _any_size(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {"interpolate_pos_encoding": True}


def _call_for(field: str) -> Callable[[nn.Module, dict[str, Any], torch.Tensor], torch.Tensor]:
    """Make the call of a model whose output has its tensor in `field`."""

    def call(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = getattr(model(**arguments), field)
        return output

    return call


def _host(name: str, build: Callable[[], Any], field: str, conditions: Any = _any_size, **kwargs: Any) -> Host:
    called: dict[str, Any] = {"argument": "pixel_values", "call_model": _call_for(field), "text": 0}
    return Host(name, build, _pixels, conditions, **called, **kwargs)


MAP, CLASSES = "last_hidden_state", "logits"
SQUARE: dict[str, Any] = {"conditions": no_conditions, "grid": (6, 6), "other_grid": (6, 6)}
"""Of a class that takes pictures of one size."""
VIT_HOSTS = (
    _host("hf-vit", lambda: _vit("ViTModel"), MAP),
    _host("hf-vit-classifier", lambda: _vit("ViTForImageClassification", num_labels=7), CLASSES),
)
DINOV2_HOSTS = (
    _host("hf-dinov2", lambda: _dinov2("Dinov2Model"), MAP, no_conditions),
    _host(
        "hf-dinov2-classifier", lambda: _dinov2("Dinov2ForImageClassification", num_labels=7), CLASSES, no_conditions
    ),
    _host("hf-dinov2-registers", lambda: _dinov2("Dinov2WithRegistersModel"), MAP, no_conditions),
)
DINOV3_HOSTS = (
    _host("hf-dinov3", _dinov3, MAP, no_conditions),
    _host("hf-dinov3-gated", lambda: _dinov3(use_gated_mlp=True), MAP, no_conditions),
)
CLIP_HOSTS = (
    _host("hf-clip", lambda: _tower("CLIP", "CLIPVisionModel"), MAP),
    _host("hf-clip-projection", lambda: _tower("CLIP", "CLIPVisionModelWithProjection"), "image_embeds"),
    _host("hf-clip-classifier", lambda: _tower_classifier("CLIP"), CLASSES, **SQUARE),
)
SIGLIP_HOSTS = (
    _host("hf-siglip", lambda: _tower("Siglip", "SiglipVisionModel"), MAP),
    _host("hf-siglip-classifier", lambda: _tower_classifier("Siglip"), CLASSES),
)
HOSTS = (*VIT_HOSTS, *DINOV2_HOSTS, *DINOV3_HOSTS, *CLIP_HOSTS, *SIGLIP_HOSTS)
