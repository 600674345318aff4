"""What the adapters ask of a host's modules."""

from __future__ import annotations

from typing import Any

from torch import nn

from tokred import Cost, SiteSpec


def is_a(model: nn.Module, host: str, name: str) -> bool:
    """Say whether the class `name` of the library `host` is among the classes of `model`."""
    return any(c.__name__ == name and c.__module__.split(".")[0] == host for c in type(model).__mro__)


def linear_flops(*modules: Any) -> float:
    """Return the operations per token of all linear layers inside `modules`; a multiply-add counts 2."""
    layers = [layer for module in modules for layer in module.modules() if isinstance(layer, nn.Linear)]
    return float(sum(2 * layer.in_features * layer.out_features for layer in layers))


def attention_cost(attention: Any) -> Cost:
    """Return the cost of a diffusers attention with `to_q`, `to_k`, `to_v` and, maybe, `to_out`."""
    out = getattr(attention, "to_out", None)
    return Cost(
        query=linear_flops(attention.to_q, *([] if out is None else [out])),
        key=linear_flops(attention.to_k, attention.to_v),
        pair=4.0 * attention.to_q.out_features,
    )


def patch_grid(model: Any, latents: Any) -> tuple[int, int]:
    """Return the token grid `(h, w)` of latents `[B, C, H, W]`."""
    patch = model.config.patch_size
    return latents.shape[-2] // patch, latents.shape[-1] // patch


def model_site(model: nn.Module, blocks: list[SiteSpec], projection: Any) -> SiteSpec:
    """Return the site that is the model itself.

    Args:
        model: the model.
        blocks: its sites, among them those of all blocks, whose operations stand for the model's.
        projection: the last linear layer, which makes a token's part of the picture.
    """
    whole = [site for site in blocks if site.kind == "block"]
    return SiteSpec(
        name="model",
        kind="model",
        depth=0,
        module=model,
        cost=sum((site.cost for site in whole), Cost(0.0)),
        width=projection.out_features,
        context=whole[0].context,
    )
