"""The places in a model where tokens are reduced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from tokred.layout import Layout

SiteKind = Literal["attn", "mlp", "block", "kv", "stream", "model"]
"""What a site computes: attention, a feed-forward layer, both at once, an attention's keys and values alone, all that
comes after a block's attention, or the whole model."""
SITE_KINDS: tuple[SiteKind, ...] = get_args(SiteKind)
"""Every kind of site."""
NO_TOKENS = Layout(())


@dataclass(frozen=True)
class SiteInfo:
    """Which site a plan is for.

    Attributes:
        name: dotted name of the site's module in the model.
        kind: "attn", "mlp", "block", "kv", "stream" or "model".
        depth: index of the transformer block, from 0; 0 for the model.
        blocks: number of transformer blocks.
        layout: how the image tokens are made up that reach the site in the call that is planned; of none, where no
            call is.
    """

    name: str
    kind: SiteKind
    depth: int
    blocks: int
    layout: Layout = NO_TOKENS

    @property
    def tokens(self) -> int:
        """Number of image tokens that reach the site."""
        return self.layout.image
