"""timm's `VisionTransformer`: class and register tokens lead the image tokens, absolute positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tokred.family import Attention, ClassToken, Family, Halves, Stack

CALL = "x: prefix image -> prefix image"
BIAS = "attn_mask"
ROWS = {BIAS: "... (prefix image) (prefix image)"}
QK_NORMS = ("q_norm", "k_norm")


def patch_grid(model: Any, arguments: Mapping[str, Any]) -> tuple[tuple[int, int]]:
    """Return the patches of a picture."""
    return (model.patch_embed.dynamic_feat_size(tuple(arguments["x"].shape[-2:])),)


def is_block(name: str) -> Callable[[Any], bool]:
    """Make what says whether a block is of one of timm's classes, and of no other, which may do anything."""
    return lambda block: type(block).__name__ == name and type(block).__module__.startswith("timm.")


def is_pooled(model: Any) -> bool:
    """Say whether image tokens are wanted after the last block."""
    return bool(model.global_pool != "token")


def _class_token(model: Any, block: Any) -> ClassToken | None:
    """Return what the class token, the first of all, attends to; differential attention has no one row."""
    attention = block.attn
    if model.cls_token is None or type(attention).__name__ != "Attention" or not hasattr(attention, "k_norm"):
        return None
    values = partial(_values, attention.num_heads)
    return ClassToken(attention, attention.q_norm, attention.k_norm, attention.qkv, values, attention.scale)


def _values(heads: int, qkv: Any) -> Any:
    """Return the values `[B, H, L, d]` in queries, keys and values side by side, `[B, L, 3 * H * d]`."""
    return qkv.unflatten(2, (3, heads, -1))[:, :, 2].transpose(1, 2)


PLAIN = Stack(
    "blocks",
    call=CALL,
    attention=(Attention("attn", CALL, "qkv", "proj", norms=QK_NORMS),),
    mlp="mlp",
    rows=ROWS,
    halves=Halves(("norm1", "norm2"), fits=is_block("Block"), bias=BIAS, pooled=is_pooled, class_token=_class_token),
)
POST_NORM = Stack(
    "blocks",
    call=CALL,
    attention=PLAIN.attention,
    mlp="mlp",
    rows=ROWS,
    halves=Halves(
        ("attn", "mlp"),
        fits=is_block("ResPostBlock"),
        branches=("norm1", "norm2"),
        bias=BIAS,
        pooled=is_pooled,
        class_token=_class_token,
    ),
)


def _parallel(block: Any) -> Stack:
    """Describe blocks whose attention and MLP are one pair of projections: they are reduced as a whole."""
    out = "out_proj" if block.out_proj is not None else "attn_out_proj"
    mlp = () if block.out_proj is not None else ("mlp_out_proj",)
    return Stack("blocks", CALL, (Attention("", CALL, "in_proj", out),), mlp, ROWS, reduces=("block",))


def _several(block: Any) -> Stack:
    """Describe blocks of several attentions beside each other, then as many MLPs."""
    attentions = [Attention(f"attns.{i}.attn", CALL, "qkv", "proj", norms=QK_NORMS) for i in range(len(block.attns))]
    mlps = tuple(f"ffns.{i}.mlp" for i in range(len(block.ffns)))
    return Stack("blocks", CALL, tuple(attentions), mlps, ROWS, reduces=("attn", "block"))


KINDS: dict[str, Callable[[Any], Stack]] = {
    "ResPostBlock": lambda block: POST_NORM,
    "ParallelScalingBlock": _parallel,
    "DiffParallelScalingBlock": _parallel,
    "ParallelThingsBlock": _several,
}
VIT = Family(
    name="vit",
    models=("timm.VisionTransformer",),
    grid=patch_grid,
    stacks=lambda model: (KINDS.get(type(model.blocks[0]).__name__, lambda block: PLAIN)(model.blocks[0]),),
    picture="x",
    prefix=lambda model: model.num_prefix_tokens,
    entry="patch_embed",  # every way into the model passes it
    repeats=False,
)
