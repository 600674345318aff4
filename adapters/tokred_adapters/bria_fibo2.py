"""diffusers' `BriaFibo2Transformer2DModel`: one stream, led by the gist of the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tokred import UnsupportedModel
from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches
from tokred_adapters.rotations import rotate_complex

ROWS = {"freqs_cis": "1 image d", "noise_mask": "b image"}
JOINED_ROWS = {"freqs_cis": "1 (text image) d", "noise_mask": "b (text image)"}


def _grid(model: Any, arguments: Mapping[str, Any]) -> Any:
    given = arguments.get("context_latents") or []
    pictures = [arguments["hidden_states"], *given]
    return tuple(grid for picture in pictures for grid in patches()(model, {"hidden_states": picture}))


def _gist(model: Any, arguments: Mapping[str, Any]) -> int:
    """Count the tokens of the gist, as the model does; where texts have different numbers, it comes last."""
    from diffusers.models.transformers.transformer_bria_fibo2 import compute_gist_count

    texts, mask, config = arguments["encoder_hidden_states"], arguments.get("encoder_attention_mask"), model.config
    lengths = [texts.shape[2]] if mask is None else mask.sum(dim=1).tolist()
    names = ("min_gist", "max_gist", "gist_step", "min_text_len", "max_text_len")
    fields = ("min_num_gist_tokens", "max_num_gist_tokens", "gist_step", "gist_min_text_len", "gist_max_text_len")
    counts = compute_gist_count(lengths, **{name: config[field] for name, field in zip(names, fields, strict=True)})
    if min(counts) < max(counts):
        raise UnsupportedModel("encoder_attention_mask has texts of different lengths. Draw them one at a time.")
    return int(counts[0])


def _attention(order: str) -> tuple[Attention, ...]:
    call = f"hidden_states: {order} -> {order}"
    return (Attention("attention", call, norms=("norm_q", "norm_k"), rotary="freqs_cis", rotate=rotate_complex),)


REFINER = Stack(
    "noise_refiner",
    "x: image -> image",
    _attention("image"),
    "feed_forward",
    rows=ROWS,
    stays=("adaln_input", "adaln_noisy", "adaln_clean", "encoder_hidden_states", "encoder_attention_mask"),
)
LAYERS = replace(
    REFINER, path="layers", call="x: text image -> text image", attention=_attention("text image"), rows=JOINED_ROWS
)

BRIA_FIBO2 = Family(
    name="bria-fibo2",
    models=("diffusers.BriaFibo2Transformer2DModel",),
    grid=_grid,
    stacks=(REFINER, LAYERS),
    text=_gist,
    projection="final_layer.linear",
)
