"""diffusers' `DiTTransformer2DModel`: class-conditional, absolute positions, no text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from tokred import Layout, SiteSpec
from tokred_adapters.basic_block import basic_block_sites
from tokred_adapters.modules import is_a, model_site, patch_grid


class DiTAdapter:
    """See `tokred.Adapter`."""

    family = "dit"
    models = ("DiTTransformer2DModel",)
    picture = "hidden_states"
    repeats = True

    def matches(self, model: nn.Module) -> bool:
        """See `tokred.Adapter`."""
        return is_a(model, "diffusers", "DiTTransformer2DModel")

    def entry(self, model: nn.Module) -> nn.Module:
        """See `tokred.Adapter`."""
        return model

    def layout(self, model: nn.Module, arguments: Mapping[str, Any]) -> Layout:
        """See `tokred.Adapter`."""
        return Layout(grids=(patch_grid(model, arguments["hidden_states"]),))

    def sites(self, model: nn.Module) -> list[SiteSpec]:
        """See `tokred.Adapter`."""
        host: Any = model
        sites = basic_block_sites(model)
        return [*sites, model_site(model, sites, host.proj_out_2)]
