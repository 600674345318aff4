"""timm's `VisionTransformer`: class and register tokens lead the image tokens, absolute positions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tokred.family import Attention, ClassToken, Family, Halves, Stack

CALL = "x: prefix image -> prefix image"
BIAS = "attn_mask"


def _grid(model: Any, arguments: Mapping[str, Any]) -> tuple[tuple[int, int]]:
    return (model.patch_embed.dynamic_feat_size(tuple(arguments["x"].shape[-2:])),)


def _is_plain(block: Any) -> bool:
    """Say whether a block is timm's plain one; in those of other classes a branch of zeros may add something."""
    return type(block).__name__ == "Block" and type(block).__module__.startswith("timm.")


def _class_token(model: Any, block: Any) -> ClassToken | None:
    """Return what the class token, the first of all, attends to."""
    attention = block.attn
    keys, queries = getattr(attention, "k_norm", None), getattr(attention, "q_norm", None)
    if model.cls_token is None or keys is None or queries is None:
        return None
    values = partial(_values, attention.num_heads)
    return ClassToken(attention, queries, keys, attention.qkv, values, attention.scale)


def _values(heads: int, qkv: Any) -> Any:
    """Return the values `[B, H, L, d]` in queries, keys and values side by side, `[B, L, 3 * H * d]`."""
    return qkv.unflatten(2, (3, heads, -1))[:, :, 2].transpose(1, 2)


VIT = Family(
    name="vit",
    models=("timm.VisionTransformer",),
    grid=_grid,
    stacks=(
        Stack(
            "blocks",
            call=CALL,
            attention=(Attention("attn", CALL, "qkv", "proj", norms=("q_norm", "k_norm")),),
            mlp="mlp",
            rows={BIAS: "... (prefix image) (prefix image)"},
            halves=Halves(
                ("norm1", "norm2"),
                fits=_is_plain,
                bias=BIAS,
                pooled=lambda model: model.global_pool != "token",
                class_token=_class_token,
            ),
        ),
    ),
    picture="x",
    prefix=lambda model: model.num_prefix_tokens,
    entry="patch_embed",  # every way into the model passes it
    repeats=False,
)
