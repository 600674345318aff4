"""A tiny Chroma."""

from __future__ import annotations

import math
from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import AXES, SIZE, WORD, packed, prompt_and_ids


def _build() -> Any:
    from diffusers import ChromaTransformer2DModel

    return ChromaTransformer2DModel(
        in_channels=4,
        num_single_layers=2,
        joint_attention_dim=WORD,
        axes_dims_rope=AXES,
        approximator_num_channels=8,
        approximator_hidden_dim=16,
        approximator_layers=1,
        **SIZE,
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    """The last text token is padding, in a mask of all tokens, as the pipeline makes it."""
    mask = torch.ones(batch, text + math.prod(grid), dtype=torch.bool)
    mask[:, text - 1] = False
    return {**prompt_and_ids(generator, batch, grid, text), "attention_mask": mask}


HOSTS = (Host("chroma", _build, packed(4), _conditions, float),)
