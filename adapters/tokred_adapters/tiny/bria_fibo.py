"""Tiny models of Bria Fibo 1 and 2."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing import Grid, Host
from tokred_adapters.tiny.making import AXES, KEYS, SIZE, WORD, latents, packed, prompt_and_ids, thousandths, words

BLOCKS = 4


def _build() -> Any:
    from diffusers import BriaFiboTransformer2DModel

    return BriaFiboTransformer2DModel(
        in_channels=4,
        num_single_layers=2,
        joint_attention_dim=WORD,
        text_encoder_dim=WORD,
        axes_dims_rope=AXES,
        **SIZE,
    )


def _build_2() -> Any:
    from diffusers import BriaFibo2Transformer2DModel

    return BriaFibo2Transformer2DModel(
        in_channels=4,
        dim=32,
        n_layers=2,
        n_refiner_layers=2,
        n_heads=2,
        cap_feat_dim=WORD,
        injection_layer_ids=(1,),
        perceiver_num_layers=1,
        min_num_gist_tokens=1,
        max_num_gist_tokens=64,
        gist_step=1,
        gist_min_text_len=1,
        gist_max_text_len=64,
        axes_dims=AXES,
        axes_lens=(128, 64, 64),
    )


def _conditions(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    layers = [words(generator, batch, text) for _ in range(BLOCKS)]
    return {**prompt_and_ids(generator, batch, grid, text), "text_encoder_layers": layers}


def _layers(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {"encoder_hidden_states": torch.randn(batch, 2, text, WORD, generator=generator)}


BRIA_FIBO = (Host("bria-fibo", _build, packed(4), _conditions, thousandths, keys=KEYS),)
BRIA_FIBO2 = (Host("bria-fibo2", _build_2, latents(4), _layers, float, keys=KEYS),)
HOSTS = BRIA_FIBO + BRIA_FIBO2
