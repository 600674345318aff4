"""timm's `VisionTransformer`: class and register tokens lead the image tokens, absolute positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from torch import nn

from tokred import ClassToken, Cost, Half, Layout, SiteSpec, Travel, UnsupportedModel
from tokred_adapters.modules import is_a, linear_flops

BIAS = "attn_mask"
MASK = Travel(BIAS, axes=(-2, -1))


class ViTAdapter:
    """See `tokred.Adapter`. A call begins at the patch embedding, which every way into the model passes."""

    family = "vit"
    models = ("VisionTransformer",)
    picture = "x"
    repeats = False

    def matches(self, model: nn.Module) -> bool:
        """See `tokred.Adapter`."""
        return is_a(model, "timm", "VisionTransformer")

    def entry(self, model: nn.Module) -> nn.Module:
        """See `tokred.Adapter`."""
        return model.patch_embed  # type: ignore[return-value]

    def layout(self, model: nn.Module, arguments: Mapping[str, Any]) -> Layout:
        """See `tokred.Adapter`."""
        host: Any = model
        grid = host.patch_embed.dynamic_feat_size(tuple(arguments["x"].shape[-2:]))
        return Layout(grids=(grid,), prefix=host.num_prefix_tokens)

    def sites(self, model: nn.Module) -> list[SiteSpec]:
        """See `tokred.Adapter`."""
        host: Any = model
        has_class, pooled = host.cls_token is not None, host.global_pool != "token"
        return [site for depth, block in enumerate(host.blocks) for site in _sites(depth, block, has_class, pooled)]


def _sites(depth: int, block: Any, has_class: bool, pooled: bool) -> list[SiteSpec]:
    if not (hasattr(block, "attn") and hasattr(block, "mlp") and hasattr(block.attn, "qkv")):
        raise UnsupportedModel(
            f"Block {depth} of this VisionTransformer is a {type(block).__name__}; blocks with `attn.qkv` and `mlp` "
            "one after the other are supported."
        )
    qkv = linear_flops(block.attn.qkv)
    attention = Cost(
        query=qkv / 3 + linear_flops(block.attn.proj), key=qkv * 2 / 3, pair=4.0 * block.attn.qkv.out_features / 3
    )
    mlp = Cost(linear_flops(block.mlp))
    name, width, shows = f"blocks.{depth}", block.attn.proj.out_features, _shown(block.attn, has_class)
    return [
        _site(f"{name}.attn", "attn", depth, block.attn, attention, width, shows),
        _site(f"{name}.mlp", "mlp", depth, block.mlp, mlp, width, shows),
        replace(
            _site(name, "block", depth, block, attention + mlp, width, shows),
            halves=_halves(block),
            bias=BIAS,
            pooled=pooled,
        ),
    ]


def _halves(block: Any) -> tuple[Half, Half] | None:
    """Return the halves of a plain block; in those of other classes a branch of zeros may add something."""
    if type(block).__name__ != "Block" or not is_a(block, "timm", "Block"):
        return None
    return Half(block.norm1, block.attn), Half(block.norm2, block.mlp)


def _shown(attention: Any, has_class: bool) -> dict[str, Any]:
    """Return where an attention shows its keys and what the class token, the first of all, attends to."""
    keys, queries = getattr(attention, "k_norm", None), getattr(attention, "q_norm", None)
    if not has_class or keys is None or queries is None:
        return {"key_output": keys}
    token = ClassToken(
        attention=attention,
        queries=queries,
        keys=keys,
        values=attention.qkv,
        values_of=partial(_values, attention.num_heads),
        scale=attention.scale,
    )
    return {"key_output": keys, "class_token": token}


def _values(heads: int, qkv: Any) -> Any:
    """Return the values `[B, H, L, d]` in queries, keys and values side by side, `[B, L, 3 * H * d]`."""
    return qkv.unflatten(2, (3, heads, -1))[:, :, 2].transpose(1, 2)


def _site(
    name: str, kind: Any, depth: int, module: nn.Module, cost: Cost, width: int, shows: dict[str, Any]
) -> SiteSpec:
    return SiteSpec(
        name=name,
        kind=kind,
        depth=depth,
        module=module,
        cost=cost,
        width=width,
        tokens="x",
        context="prefix",
        context_first=True,
        residual=kind == "block",
        travels=(MASK,),
        **shows,
    )
