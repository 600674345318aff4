"""What a signal is told of a site."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokred.interfaces.site import SiteKind

if TYPE_CHECKING:
    import torch
    from torch import nn

    from tokred.interfaces.recovery import Recovery


@dataclass(frozen=True)
class ClassToken:
    """Where a block shows what its class token, the first of all tokens, attends to.

    Attributes:
        attention: the attention.
        queries: the last module that its queries pass, `[B, H, L, d]`, or `[B, L, H * d]` where `heads` is given.
        keys: the last module that its keys pass, likewise.
        values: the module that makes its values, or what these are made of.
        values_of: the values `[B, H, L, d]` in what that module returns.
        scale: what the products of queries and keys are multiplied by.
        mask: the argument of the attention that holds a mask, `[..., L, L]`: booleans, or numbers that are added.
        heads: number of heads, H, where they stand side by side; else 0.
        keys_of: the keys that are attended to, from those `[B, H, L, d]` and the attention's arguments by name, where
            they are rotated after their last module.
    """

    attention: nn.Module
    queries: nn.Module
    keys: nn.Module
    values: nn.Module
    values_of: Callable[[torch.Tensor], torch.Tensor]
    scale: float
    mask: str = "attn_mask"
    heads: int = 0
    keys_of: Callable[[torch.Tensor, Mapping[str, Any]], torch.Tensor] | None = None


@dataclass(frozen=True)
class Shown:
    """A module that returns the keys of an attention, `[B, L, C]` or by heads `[B, H, L, d]`.

    Attributes:
        module: the module.
        heads: how many heads stand side by side in the first form, where their mean is asked for; else 0.
    """

    module: nn.Module
    heads: int = 0


@dataclass(frozen=True)
class Place:
    """A site, as a signal sees it: what there is to stand around, and None where there is no such thing.

    Attributes:
        name: dotted name of `module` in the model.
        kind: what the site computes.
        module: the module whose calls are reduced.
        recovery: how the method brings removed tokens back.
        block: the transformer block that the site is in, or is.
        tokens: the argument of the block that holds the tokens, `[B, L, C]`.
        order: the parts of that sequence, such as ("text", "image").
        projection: a linear layer that is called with the kept tokens alone: it makes the queries of an "attn" site,
            the values of a "kv" site.
        keys: what returns the keys of the block's attention.
        values: the module that returns the values, `[B, L, C]`.
        attended: the parts of the sequence of these.
        class_token: what the block's class token attends to.
    """

    name: str
    kind: SiteKind
    module: nn.Module
    recovery: Recovery
    block: nn.Module | None = None
    tokens: str = "hidden_states"
    order: tuple[str, ...] = ("image",)
    projection: nn.Module | None = None
    keys: Shown | None = None
    values: nn.Module | None = None
    attended: tuple[str, ...] = ("image",)
    class_token: ClassToken | None = None
