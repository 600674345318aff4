"""timm's `Eva`: EVA-02, DINOv3, Perception Encoder; rotary positions, projections that are fused or apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from einops import rearrange

from tokred.family import Attention, ClassToken, Family, Halves, Stack
from tokred_adapters.vit import BIAS, CALL, QK_NORMS, ROWS, is_block, is_pooled, patch_grid


def _rotate(half: bool, x: Any, tables: Any) -> Any:
    """Rotate `[B, H, L, d]`."""
    from timm.layers import apply_rot_embed_cat

    return apply_rot_embed_cat(x, tables, half=half).type_as(x)


def _class_token(model: Any, block: Any) -> ClassToken | None:
    """Return what the class token, the first of all, attends to."""
    attention = block.attn
    if model.cls_token is None:
        return None
    made, values = _values(block)
    if made is None:
        return None
    keys_of = partial(_attended, attention)
    return ClassToken(attention, attention.q_norm, attention.k_norm, made, values, attention.scale, keys_of=keys_of)


def _attended(attention: Any, keys: Any, call: Mapping[str, Any]) -> Any:
    """Return the keys `[B, H, L, d]` that an attention rotates, all but the prefix tokens', and repeats."""
    import torch

    lead, tables = attention.num_prefix_tokens, call.get("rope")
    if tables is not None:
        keys = torch.cat([keys[:, :, :lead], _rotate(attention.rotate_half, keys[:, :, lead:], tables)], dim=2)
    return keys.repeat_interleave(getattr(attention, "num_kv_groups", 1), dim=1)


def _values(block: Any) -> tuple[Any, Any]:
    """Return the module that makes an attention's values, or what these are made of, and how to get at them."""
    attention, groups = block.attn, getattr(block.attn, "num_kv_groups", 1)
    if attention.qkv is None:
        heads = attention.num_heads // groups
        return attention.v_proj, lambda v: v.unflatten(2, (heads, -1)).transpose(1, 2).repeat_interleave(groups, dim=1)
    if getattr(attention, "q_bias", None) is None:  # the projection is called as a module
        return attention.qkv, lambda qkv: qkv.unflatten(2, (3, attention.num_heads, -1))[:, :, 2].transpose(1, 2)
    return (block.norm1 if is_block("EvaBlock")(block) else None), partial(_projected, attention)


def _projected(attention: Any, x: Any) -> Any:
    import torch

    weight = attention.qkv.weight.chunk(3)[2]
    values = torch.nn.functional.linear(x, weight, attention.v_bias)
    return rearrange(values, "b l (h d) -> b h l d", h=attention.num_heads)


HALVES = Halves(("norm1", "norm2"), is_block("EvaBlock"), bias=BIAS, pooled=is_pooled, class_token=_class_token)
POST_NORM = replace(HALVES, norms=("attn", "mlp"), fits=is_block("EvaBlockPostNorm"), branches=("norm1", "norm2"))


def _stacks(model: Any) -> tuple[Stack, ...]:
    block = model.blocks[0]
    attention = Attention(
        "attn",
        CALL,
        "qkv" if block.attn.qkv is not None else ("q_proj", "k_proj", "v_proj"),
        "proj",
        norms=QK_NORMS,
        rotary="rope",
        apart=False,
    )
    halves = HALVES if HALVES.fits(block) else POST_NORM
    return (Stack("blocks", CALL, (attention,), "mlp", ROWS | {"rope": "b? h? image d"}, halves=halves),)


EVA = Family(
    name="eva",
    models=("timm.Eva",),
    grid=patch_grid,
    stacks=_stacks,
    picture="x",
    prefix=lambda model: model.num_prefix_tokens,
    entry="patch_embed",
    repeats=False,
)
