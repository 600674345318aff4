"""Models of sound: ACE-Step, Stable Audio and LongCat-Audio; their tokens have no rows and columns."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tokred.testing import Grid, Host, call_transformer
from tokred_adapters.tiny.clips import angles, prompt

LENGTH: dict[str, Any] = {"grid": (1, 40), "other_grid": (1, 28)}
"""One row of tokens."""


def _acestep() -> Any:
    from diffusers import AceStepTransformer1DModel

    return AceStepTransformer1DModel(
        hidden_size=24,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=12,
        in_channels=24,
        audio_acoustic_hidden_dim=8,
        encoder_hidden_size=16,
        sliding_window=8,
    )


def _stable_audio() -> Any:
    from diffusers import StableAudioDiTModel

    return StableAudioDiTModel(
        sample_size=64,
        in_channels=4,
        num_layers=2,
        attention_head_dim=12,
        num_attention_heads=2,
        num_key_value_attention_heads=1,
        out_channels=4,
        cross_attention_dim=12,
        time_proj_dim=8,
        global_states_input_dim=10,
        cross_attention_input_dim=16,
    )


def _stable_audio3() -> Any:
    from diffusers import StableAudio3DiTModel

    return StableAudio3DiTModel(
        io_channels=4,
        embed_dim=24,
        depth=2,
        num_heads=2,
        cond_token_dim=16,
        global_cond_dim=10,
        local_add_cond_dim=5,
        timestep_features_dim=8,
        ff_mult=1.0,
        num_memory_tokens=3,
    )


def _longcat_audio() -> Any:
    from diffusers import LongCatAudioDiTTransformer

    return LongCatAudioDiTTransformer(dit_dim=24, dit_depth=2, dit_heads=2, dit_text_dim=16, latent_dim=4, ff_mult=1.0)


def _wave(batch: int, grid: Grid) -> tuple[int, ...]:
    return batch, 4, grid[1]


def _frames(batch: int, grid: Grid) -> tuple[int, ...]:
    return batch, grid[1], 4


def _pairs(batch: int, grid: Grid) -> tuple[int, ...]:
    return batch, grid[1] * 2, 8


def _context(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    context = torch.randn(batch, grid[1] * 2, 16, generator=generator)
    return {**prompt(generator, batch, grid, text), "context_latents": context}


def _length(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    seconds = torch.randn(batch, 1, 10, generator=generator)
    return {
        **prompt(generator, batch, grid, text),
        "global_hidden_states": seconds,
        "rotary_embedding": angles(grid[1] + 1, 6),
    }


def _seconds(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    seconds = torch.randn(batch, 10, generator=generator)
    return {**prompt(generator, batch, grid, text), "global_hidden_states": seconds}


def _masks(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {
        **prompt(generator, batch, grid, text),
        "encoder_attention_mask": torch.ones(batch, text, dtype=torch.bool),
        "attention_mask": torch.ones(batch, grid[1], dtype=torch.bool),
        "latent_cond": torch.randn(batch, grid[1], 4, generator=generator),
    }


def _call_from_to(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Call with the time and, once more, the time to go to."""
    return call_transformer(model, {**arguments, "timestep_r": moment}, moment)


HOSTS = (
    Host("acestep", _acestep, _pairs, _context, float, call_model=_call_from_to, **LENGTH),
    Host("stable-audio", _stable_audio, _wave, _length, float, **LENGTH),
    Host("stable-audio-3", _stable_audio3, _wave, _seconds, float, **LENGTH),
    Host("longcat-audio", _longcat_audio, _frames, _masks, float, **LENGTH),
)
