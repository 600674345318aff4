"""ComfyUI's Wan 2.1 and 2.2: text by cross-attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokred import Attention, Family, Stack, UnsupportedModel

from .grids import Grids, padded

REFERENCES = ("time_dim_concat", "reference_latent", "context_latents")
_latents = padded(axes=(-3, -2, -1), refuse=REFERENCES)


def _grid(network: Any, arguments: Mapping[str, Any]) -> Grids:
    """Read the grid; a time for each frame is handed out to tokens by their place, and none of them may be missing."""
    if arguments["timestep"].ndim > 1 and arguments["timestep"].shape[1] > 1:
        raise UnsupportedModel("Tokens cannot be removed where frames have times of their own: use a preset.")
    return _latents(network, arguments)


WAN = Family(
    name="comfy-wan",
    models=("comfy.WanModel",),
    grid=_grid,
    stacks=(
        Stack(
            "blocks",
            call="x: image -> image",
            attention=(
                Attention(
                    "self_attn",
                    "x: image -> image",
                    projections=("q", "k", "v"),
                    out="o",
                    norms=("norm_q", "norm_k"),
                    rotary="freqs",
                    apart=False,
                ),
            ),
            mlp="ffn",
            rows={"freqs": "1 image 1 d 2 2"},
            stays=("e", "context"),
        ),
    ),
    picture="x",
    text="",
    projection="head.head",
)
