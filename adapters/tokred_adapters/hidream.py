"""diffusers' `HiDreamImageTransformer2DModel`: the picture first, three texts after it, of which each block has one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokred import UnsupportedModel
from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches

# Experts are chosen by each token for itself, two of them, and one is for all.
EXPERTS = tuple(f"block.ff_i.{expert}" for expert in ("shared_experts", "experts.0", "experts.1"))
ROWS = {"image_rotary_emb": "b (image text) 1 d 2 2"}
CALL = "hidden_states: image, encoder_hidden_states: text -> image, text"
JOINED = "hidden_states: image text -> image text"
BOTH = Attention(
    "block.attn1",
    "norm_hidden_states: image, norm_encoder_hidden_states: text -> image, text",
    rotary="image_rotary_emb",  # it cannot be called without
)
ALONE = Attention("block.attn1", "norm_hidden_states: image text -> image text", rotary="image_rotary_emb")


def _grid(model: Any, arguments: Mapping[str, Any]) -> Any:
    latents = arguments["hidden_states"]
    if latents.ndim != 4 or latents.shape[-1] != latents.shape[-2]:
        raise UnsupportedModel("HiDream fills up pictures that are not square. Draw square ones.")
    return patches()(model, arguments)


def _text(model: Any, arguments: Mapping[str, Any]) -> int:
    """Count the texts: T5's, Llama's last, and Llama's of the block."""
    return arguments["encoder_hidden_states_t5"].shape[1] + 2 * arguments["encoder_hidden_states_llama3"].shape[2]  # type: ignore[no-any-return]


HIDREAM = Family(
    name="hidream",
    models=("diffusers.HiDreamImageTransformer2DModel",),
    grid=_grid,
    stacks=(
        Stack("double_stream_blocks", CALL, (BOTH,), EXPERTS, rows=ROWS, stays=("temb",), reduces=("attn", "block")),
        Stack("single_stream_blocks", JOINED, (ALONE,), EXPERTS, rows=ROWS, stays=("temb",), reduces=("attn", "block")),
    ),
    text=_text,
    projection="final_layer.linear",
)
