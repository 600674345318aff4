"""diffusers' `SD3Transformer2DModel`, 3 and 3.5: joint attention over picture and text, absolute positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from tokred import Cost, Layout, SiteSpec
from tokred_adapters.modules import attention_cost, is_a, linear_flops, model_site, patch_grid


class SD3Adapter:
    """See `tokred.Adapter`."""

    family = "sd3"
    models = ("SD3Transformer2DModel",)
    picture = "hidden_states"
    repeats = True

    def matches(self, model: nn.Module) -> bool:
        """See `tokred.Adapter`."""
        return is_a(model, "diffusers", "SD3Transformer2DModel")

    def entry(self, model: nn.Module) -> nn.Module:
        """See `tokred.Adapter`."""
        return model

    def layout(self, model: nn.Module, arguments: Mapping[str, Any]) -> Layout:
        """See `tokred.Adapter`."""
        grid = patch_grid(model, arguments["hidden_states"])
        return Layout(grids=(grid,), text=arguments["encoder_hidden_states"].shape[1])

    def sites(self, model: nn.Module) -> list[SiteSpec]:
        """See `tokred.Adapter`."""
        host: Any = model
        sites = [site for depth, block in enumerate(host.transformer_blocks) for site in _sites(depth, block)]
        return [*sites, model_site(model, sites, host.proj_out)]


def _sites(depth: int, block: Any) -> list[SiteSpec]:
    name = f"transformer_blocks.{depth}"
    joint = _attention_site(f"{name}.attn", depth, block.attn, joint=True)
    # SD3.5 adds an attention of the picture to itself in some blocks.
    attentions = [joint] if block.attn2 is None else [joint, _attention_site(f"{name}.attn2", depth, block.attn2)]
    mlp, width = Cost(linear_flops(block.ff)), block.attn.to_q.in_features
    return [
        *attentions,
        SiteSpec(
            name=f"{name}.ff",
            kind="mlp",
            depth=depth,
            module=block.ff,
            cost=mlp,
            width=width,
            key_output=block.attn.to_k,
            value_output=block.attn.to_v,
        ),
        SiteSpec(
            name=name,
            kind="block",
            depth=depth,
            module=block,
            cost=sum((attention.cost for attention in attentions), mlp),
            width=width,
            context="text",
            output=1,
            residual=True,
            stays=("encoder_hidden_states", "temb"),
            key_output=block.attn.to_k,
            value_output=block.attn.to_v,
        ),
    ]


def _attention_site(name: str, depth: int, attention: Any, joint: bool = False) -> SiteSpec:
    return SiteSpec(
        name=name,
        kind="attn",
        depth=depth,
        module=attention,
        cost=attention_cost(attention),
        width=attention.to_q.in_features,
        context="text" if joint else "none",
        output=0 if joint else None,
        stays=("encoder_hidden_states", "ip_hidden_states", "temb"),
        key_modules=(attention.to_k, attention.to_v),
        query_module=attention.to_q,
        key_output=attention.to_k,
        value_output=attention.to_v,
    )
