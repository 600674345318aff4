"""The models that the tests of the core run on: the tiny ones of a few families, for each trait that matters."""

from __future__ import annotations

from typing import Any

from torch import nn

from tokred import Layout
from tokred.family import layouts, sites
from tokred.family.site import SiteSpec
from tokred.registry import family_for
from tokred.testing.host import STEPS, Host
from tokred_adapters import tiny

__all__ = [
    "BY_NAME",
    "DIFFUSERS",
    "FAMILIES",
    "STEPS",
    "TEXT",
    "VITS",
    "Family",
    "blocks_of",
    "keeps_apart",
    "layout_of",
    "sites_of",
]

Family = Host
TEXT = 5
NAMES = ("dit", "pixart", "sd3", "sd35", "flux", "vit", "deit3", "vit-registers")
FAMILIES = tuple(next(host for host in tiny.hosts() if host.name == name) for name in NAMES)
DIFFUSERS = tuple(family for family in FAMILIES if family.repeats)
VITS = tuple(family for family in FAMILIES if not family.repeats)
BY_NAME = {family.name: family for family in FAMILIES}


def sites_of(model: nn.Module, kind: str | None = None) -> list[SiteSpec]:
    """List the sites that a family offers in `model`, of one kind or all."""
    return [site for site in sites.sites_of(family_for(model, "a test"), model) if kind in (None, site.kind)]


def blocks_of(model: nn.Module) -> list[nn.Module]:
    """List the transformer blocks of `model`."""
    return [site.module for site in sites_of(model, "block")]


def layout_of(model: nn.Module, arguments: dict[str, Any]) -> Layout:
    """Work out the layout of a call."""
    return layouts.layout_of(family_for(model, "a test"), model, arguments)


def keeps_apart(family: Family) -> bool:
    """Say whether the samples of a batch can keep different tokens."""
    return all(site.per_sample for site in sites_of(family.model()))
