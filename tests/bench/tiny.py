"""A network that draws noise in no time, alone and as a model of the zoo."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from diffusers import DiTTransformer2DModel
from safetensors.torch import save_file

from tokred.zoo.dit import dit_pipeline, generate

NAME = "tiny-dit"
STEPS = 3
CONFIG = {
    "num_attention_heads": 2,
    "attention_head_dim": 8,
    "in_channels": 3,
    "out_channels": 3,
    "num_layers": 2,
    "sample_size": 32,  # the least that LPIPS takes
    "patch_size": 4,
    "num_embeds_ada_norm": 4,
}


def network() -> DiTTransformer2DModel:
    """Build the network; its random weights are large enough for every token to matter."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        model = DiTTransformer2DModel(**CONFIG).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=generator)
    return model


class TinySubject:
    """See `tokred.bench.Subject`; remembers what it was asked for."""

    name = NAME

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[int, ...], int]] = []

    @cached_property
    def pipe(self) -> Any:
        return dit_pipeline(network(), list("abcd"))

    def generate(self, seeds: Sequence[int], steps: int) -> torch.Tensor:
        self.asked.append((tuple(seeds), steps))
        return generate(self.pipe, seeds, steps)


def write_tiny_zoo(models: Path) -> None:
    """Make `models` the folder of a zoo that holds the network alone."""
    folder = models / NAME
    folder.mkdir(parents=True)
    weights = folder / "weights.safetensors"
    save_file({name: tensor.half().contiguous() for name, tensor in network().state_dict().items()}, weights)
    description = {
        "name": NAME,
        "summary": "Noise.",
        "family": "dit",
        "config": CONFIG,
        "classes": list("abcd"),
        "steps": STEPS,
        "guidance": 1.0,
        "tokens": 64,
        "parameters": 1,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
    (folder / "model.json").write_text(json.dumps(description))
