"""A tiny HiDream."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import POOLED, SIZE, WORD, latents, pooled, thousandths, words

BLOCKS = 4


def _build() -> Any:
    from diffusers import HiDreamImageTransformer2DModel

    return HiDreamImageTransformer2DModel(
        patch_size=2,
        in_channels=4,
        out_channels=4,
        num_single_layers=2,
        caption_channels=[WORD, WORD],
        text_emb_dim=POOLED,
        axes_dims_rope=(4, 6, 6),
        max_resolution=(24, 24),
        llama_layers=list(range(BLOCKS)),
        **SIZE,
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {
        "encoder_hidden_states_t5": words(generator, batch, text),
        "encoder_hidden_states_llama3": torch.randn(BLOCKS, batch, text, WORD, generator=generator),
        "pooled_embeds": pooled(generator, batch),
    }


def _call(model: Any, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Call the model, which has a name of its own for the time."""
    made: torch.Tensor = model(**arguments, timesteps=moment, return_dict=False)[0]
    return made


HOSTS = (  # pictures that are not square are padded to the largest size
    Host(
        "hidream",
        _build,
        latents(4),
        _conditions,
        thousandths,
        call_model=_call,
        grid=(6, 6),
        other_grid=(4, 4),
    ),
)
