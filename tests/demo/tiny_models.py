"""A zoo of three tiny models: one that draws classes, one that draws prompts, one that classifies."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from zoo.prompted_models import FLUX, PROMPTS

from tokred.zoo.families import family

DIT: dict[str, Any] = {
    "num_attention_heads": 2,
    "attention_head_dim": 8,
    "in_channels": 3,
    "out_channels": 3,
    "num_layers": 2,
    "sample_size": 8,
    "patch_size": 2,
}
VIT: dict[str, Any] = {"img_size": 8, "patch_size": 2, "embed_dim": 16, "depth": 1, "num_heads": 2}
STEPS = 4
TOKENS = 16
CLASSES = ("fox", "bear", "tiger")
MODELS: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "tiny-dit": ("dit", DIT, CLASSES),
    "tiny-flux": ("flux", FLUX, PROMPTS),
    "tiny-vit": ("vit", VIT, CLASSES),
}


def write_tiny_models(models: Path) -> Path:
    """Write the three into the folder `models`, and return it."""
    for name, (kind, config, classes) in MODELS.items():
        folder = models / name
        folder.mkdir(parents=True)
        save_file(_weights(kind, config, classes), folder / "weights.safetensors")
        digest = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
        description = {
            "name": name,
            "summary": f"Noise by {kind}.",
            "family": kind,
            "adapts": "",
            "config": config,
            "classes": classes,
            "size": 8,
            "steps": 1 if kind == "vit" else STEPS,
            "guidance": 1.0,
            "tokens": TOKENS,
            "parameters": 12345,
            "files": {"weights.safetensors": digest},
        }
        (folder / "model.json").write_text(json.dumps(description))
    return models


def _weights(kind: str, config: dict[str, Any], classes: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """Make weights that are the same every time, and large enough for every token to matter."""
    network, generator = family(kind).build(config, classes), torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=generator)
    return {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
