"""diffusers' `BasicTransformerBlock`: attention of the image to itself, to the text, and an MLP."""

from __future__ import annotations

from tokred.family import Attention, Stack


def basic_blocks(path: str, scale: int = 1) -> Stack:
    """Describe a list of such blocks; text, attended to by an attention of its own, is not counted."""
    return Stack(
        path,
        call="hidden_states: image -> image",
        attention=(Attention("attn1", "hidden_states: image -> image"),),
        mlp="ff",
        rows={"attention_mask": "... image"},
        stays=("encoder_hidden_states", "encoder_attention_mask", "timestep", "class_labels", "added_cond_kwargs"),
        scale=scale,
    )
