"""AnyFlow, in one go and chunk by chunk."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tokred.testing import Grid, Host, call_transformer
from tokred_adapters.tiny.clips import FRAMES, frames_first, prompt
from tokred_adapters.tiny.making import thousandths

SIZE: dict[str, Any] = {
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


def _anyflow() -> Any:
    from diffusers import AnyFlowTransformer3DModel

    return AnyFlowTransformer3DModel(**SIZE)


def _anyflow_far() -> Any:
    from diffusers import AnyFlowFARTransformer3DModel

    return AnyFlowFARTransformer3DModel(**SIZE, chunk_partition=(1, 1))


def _chunks(generator: torch.Generator, batch: int, grid: Grid, text: int) -> dict[str, Any]:
    return {**prompt(generator, batch, grid, text), "chunk_partition": [1, grid[0] - 1]}


def _call_from_to(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Call with the time of each frame, and the time to go to."""
    moments = moment[:, None].repeat(1, arguments["hidden_states"].shape[1])
    return call_transformer(model, {**arguments, "r_timestep": moments // 2}, moments)


HOSTS = (
    Host("anyflow", _anyflow, frames_first(), prompt, thousandths, call_model=_call_from_to, **FRAMES),
    Host("anyflow-far", _anyflow_far, frames_first(), _chunks, thousandths, call_model=_call_from_to, **FRAMES),
)
