"""Vision models of timm and of transformers, by their names, and how they see a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from tokred.errors import SpecError
from tokred.extras import extra
from tokred.metrics import Outputs
from tokred.quiet import no_bars

TIMM, TRANSFORMERS = "timm:", "hf:"
See = Callable[[Image.Image], torch.Tensor]
"""Makes a tensor `[C, H, W]` of a picture, as a model was trained to see it."""


@dataclass(frozen=True)
class VisionModel:
    """A model that looks at pictures.

    Attributes:
        model: the module.
        see: makes a tensor `[C, H, W]` of a picture.
        outputs: what it makes: "scores" or "features".
        read: takes scores `[B, K]` or features `[B, C]` out of what it returns.
    """

    model: nn.Module
    see: See
    outputs: Outputs
    read: Callable[[Any], torch.Tensor]


def first(made: Any) -> torch.Tensor:
    """Return a tensor, or the first one of what a model returned."""
    tensor: torch.Tensor = made if isinstance(made, torch.Tensor) else made[0]
    return tensor


def timm_vision(model: nn.Module) -> VisionModel:
    """Wrap a model of timm, or one that says as timm's do, by `pretrained_cfg` and `num_classes`, how it sees."""
    with extra("bench"):
        from timm.data import create_transform, resolve_model_data_config

    config = resolve_model_data_config(model)
    transform = create_transform(**config, is_training=False)
    mode = "L" if config["input_size"][0] == 1 else "RGB"
    outputs: Outputs = "features" if getattr(model, "num_classes", 1) == 0 else "scores"
    return VisionModel(model, lambda image: transform(image.convert(mode)), outputs, first)


def timm_model(text: str) -> VisionModel:
    """Make "timm:NAME", with its published weights, or "timm:NAME:FILE.safetensors", with those of a file.

    Raises:
        SpecError: if there is no such model, or the file has no weights of it.
    """
    with extra("bench"):
        import timm

    name, _, file = text.removeprefix(TIMM).partition(":")
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name.split('.')[0].split('_')[0]}*")[:5])
        raise SpecError(f"timm has no model {name!r}.{f' It has {near}, ...' if near else ''}")
    model: nn.Module = timm.create_model(name, pretrained=not file)
    if file:
        try:
            model.load_state_dict(load_file(file))
        except (OSError, RuntimeError, SafetensorError) as error:
            raise SpecError(f"{file} holds no weights of {name}: {' '.join(str(error).split())[:200]}") from error
    return timm_vision(model)


def transformers_model(text: str, revision: str | None = None) -> VisionModel:
    """Load "hf:NAME", a folder or a name of the Hugging Face hub: a classifier of pictures, or a vision tower.

    A model that has a vision tower beside one for text, such as CLIP, is measured by that tower.

    Raises:
        SpecError: if it cannot be loaded, or does not take pictures.
    """
    name = text.removeprefix(TRANSFORMERS)
    try:
        import transformers

        with no_bars():
            config = transformers.AutoConfig.from_pretrained(name, revision=revision)
            classifies = any("ForImageClassification" in each for each in config.architectures or ())
            kind = transformers.AutoModelForImageClassification if classifies else transformers.AutoModel
            model = kind.from_pretrained(name, revision=revision)
            processor = transformers.AutoImageProcessor.from_pretrained(name, revision=revision)  # type: ignore[no-untyped-call]
    except (ImportError, OSError, ValueError, KeyError) as error:
        raise SpecError(f"--model {text} cannot be loaded: {' '.join(str(error).split())[:300]}") from error
    model = getattr(model, "vision_model", model) if not classifies else model
    if getattr(model, "main_input_name", "") != "pixel_values":
        raise SpecError(f"--model {text}: {type(model).__name__} does not take pictures. Name a vision model.")

    def see(image: Image.Image) -> torch.Tensor:
        pixels: torch.Tensor = processor(image.convert("RGB"), return_tensors="pt")["pixel_values"][0]
        return pixels

    return VisionModel(model, see, "scores" if classifies else "features", first if classifies else _pooled)


def _pooled(made: Any) -> torch.Tensor:
    """Return the features that a tower pools, or the mean over its tokens `[B, N, C]`."""
    pooled: torch.Tensor | None = getattr(made, "pooler_output", None)
    return made.last_hidden_state.mean(dim=1) if pooled is None else pooled
