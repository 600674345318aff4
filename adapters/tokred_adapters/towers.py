"""What the vision transformers of Hugging Face's transformers have in common."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from einops import rearrange

from tokred.family import Attention, ClassToken, Family, Halves, Stack

CALL = "hidden_states: prefix image -> prefix image"
BIAS = "attention_mask"
PROJECTIONS = ("q_proj", "k_proj", "v_proj")
TOWERS = ("vit", "dinov2", "dinov2_with_registers", "vision_model")
"""What models that hold such a transformer, beside a classifier or a text model, call it."""


def tower(
    name: str,
    classes: str,
    layers: str,
    norms: tuple[str, str],
    attention: tuple[str, str, str] = ("attention", "o_proj", "num_attention_heads"),
    class_token: bool = True,
    rotary: str = "",
) -> Family:
    """Describe such models.

    Args:
        name: of the family.
        classes: their names, apart by spaces.
        layers: where the blocks are in the transformer.
        norms: of a block.
        attention: its name in a block, and in it those of its last layer and of the number of heads.
        class_token: whether there is one, the first of all; register tokens follow it.
        rotary: the argument that holds rotary tables.
    """
    path, out, heads = attention
    stack = partial(
        Stack,
        call=CALL,
        attention=(Attention(path, f"{CALL}, weights", PROJECTIONS, out, heads=heads, rotary=rotary, apart=False),),
        mlp="mlp",
        rows={BIAS: "... (prefix image) (prefix image)", **({rotary: "b? 1? image d"} if rotary else {})},
        halves=Halves(
            norms,
            fits=lambda block: type(block).__module__.startswith("transformers."),
            bias=BIAS,
            pooled=lambda model: True,
            class_token=partial(_class_token, path, heads) if class_token else lambda model, block: None,
        ),
    )
    return Family(
        name=name,
        models=tuple(f"transformers.{each}" for each in classes.split()),
        grid=_grid,
        stacks=lambda model: (stack(_inside(model, layers)),),
        picture="pixel_values",
        prefix=lambda model: class_token + getattr(_config(model), "num_register_tokens", 0),
        entry=lambda model: _inside(model, "embeddings"),  # every way into the model passes them
        repeats=False,
    )


def _inside(model: Any, path: str) -> str:
    """Return where something of the vision transformer is in a model that is one, or holds one."""
    return next((f"{name}.{path}" for name in TOWERS if hasattr(model, name)), path)


def _config(model: Any) -> Any:
    return getattr(model.config, "vision_config", model.config)


def _grid(model: Any, arguments: Mapping[str, Any]) -> tuple[tuple[int, int]]:
    size = _config(model).patch_size
    height, width = (size, size) if isinstance(size, int) else size
    *_, h, w = arguments["pixel_values"].shape
    return ((h // height, w // width),)


def _class_token(path: str, heads: str, model: Any, block: Any) -> ClassToken:
    """Return what the class token, the first of all, attends to."""
    attention = block.get_submodule(path)
    number = getattr(attention, heads)
    return ClassToken(
        attention,
        attention.q_proj,
        attention.k_proj,
        attention.v_proj,
        lambda v: rearrange(v, "b l (h d) -> b h l d", h=number),
        attention.head_dim**-0.5,
        mask=BIAS,
        heads=number,
        keys_of=_attended,
    )


def _attended(keys: Any, call: Mapping[str, Any]) -> Any:
    """Return the keys `[B, H, L, d]` that an attention rotates where it has tables, all but the prefix tokens'."""
    tables = call.get("position_embeddings")
    if tables is None:
        return keys
    import torch

    cos, sin = tables
    lead, image = keys.split((keys.shape[2] - cos.shape[-2], cos.shape[-2]), dim=2)
    first, second = image.chunk(2, dim=-1)
    return torch.cat([lead, image * cos + torch.cat([-second, first], dim=-1) * sin], dim=2)
