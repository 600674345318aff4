"""The places in a model where tokens are reduced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

SiteKind = Literal["attn", "mlp", "block", "kv", "stream", "model"]
"""What a site computes: attention, a feed-forward layer, both at once, an attention's keys and values alone, all that
comes after a block's attention, or the whole model."""
SITE_KINDS: tuple[SiteKind, ...] = get_args(SiteKind)
"""Every kind of site."""


@dataclass(frozen=True)
class SiteInfo:
    """Which site a plan is for.

    Attributes:
        name: dotted name of the site's module in the model.
        kind: "attn", "mlp", "block", "kv", "stream" or "model".
        depth: index of the transformer block, from 0; 0 for the model.
        blocks: number of transformer blocks.
        tokens: number of image tokens that reach the site in the call that is planned; 0 where no call is.
    """

    name: str
    kind: SiteKind
    depth: int
    blocks: int
    tokens: int = 0
