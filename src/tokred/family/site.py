"""A place in a model where tokens can be reduced, as it follows from a family's description."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from tokred.family.cost import Cost
from tokred.family.description import Rotate
from tokred.family.signature import Call, Order, Rows
from tokred.interfaces import ClassToken, SiteKind
from tokred.layout import Layout


@dataclass(frozen=True)
class Rotary:
    """Where the queries and keys of an attention can be rotated in its place, so that they need not be the same tokens.

    Attributes:
        rows: the argument that holds the tables; without it the attention does not rotate.
        queries: the last module that queries pass before they would be rotated.
        keys: the last module that keys pass, likewise.
        order: the parts of the sequence that these two see.
        rotate: see `tokred.family.Rotate`.
        context: the same two modules for the context's tokens, where these have their own.
        heads_first: whether these modules return `[B, H, L, d]`.
    """

    rows: Rows
    queries: nn.Module
    keys: nn.Module
    order: Order
    rotate: Rotate
    context: tuple[nn.Module, ...] = ()
    heads_first: bool = False


@dataclass(frozen=True)
class AttentionModules:
    """The modules of the attention of a site's block.

    Attributes:
        order: the parts of the sequence that they see.
        query: the layer that makes the queries of the image's tokens alone, where there is one.
        keys: the layers that make keys and values, where these are layers of their own: they can be fed other tokens.
        shown_key: returns the keys, `[B, L, C]` or by heads `[B, H, L, d]`.
        shown_value: likewise the values.
        heads: how many heads stand side by side in `[B, L, C]`, where their mean is asked for; else 0.
        norm: of a whole block that can attend to keys of all tokens, the module that normalises its tokens before the
            projections; the first of what it returns.
        rotary: where queries and keys can be rotated, if they are.
        rotates: whether they are rotated, here or not.
        class_token: what the class token attends to, where there is one.
    """

    order: Order = ("image",)
    query: nn.Module | None = None
    keys: tuple[nn.Module, ...] = ()
    shown_key: nn.Module | None = None
    shown_value: nn.Module | None = None
    heads: int = 0
    norm: nn.Module | None = None
    rotary: Rotary | None = None
    rotates: bool = False
    class_token: ClassToken | None = None


@dataclass(frozen=True)
class StreamModules:
    """Of a block of attention and MLP one after the other: what lets tokens be removed for good between the two.

    Attributes:
        halves: of each half, its first module and the last, which makes what is added.
        bias: the argument for what is added to the attention's logits, if there is one.
        pooled: whether the image tokens are pooled after the last block.
    """

    halves: tuple[tuple[nn.Module, nn.Module], tuple[nn.Module, nn.Module]]
    bias: str | None
    pooled: bool


@dataclass(frozen=True)
class MadeRows:
    """A method that makes a tensor with a row per token, such as a bias by relative positions.

    Attributes:
        module: whose method it is.
        method: its name.
        rows: the axes of what it returns.
    """

    module: nn.Module
    method: str
    rows: Rows


@dataclass(frozen=True)
class Travel:
    """What has a row per token beside the tokens themselves.

    Attributes:
        rows: the arguments that have one.
        made: methods inside that make what has one.
        stays: arguments that may have as many rows as there are tokens by chance, and are left alone.
        lasting: arguments that are the same in all calls of a generation: rotary tables.
        shared: whether some of it, in the block, has no batch axis, so that samples share the tokens that they keep.
    """

    rows: tuple[Rows, ...] = ()
    made: tuple[MadeRows, ...] = ()
    stays: tuple[str, ...] = ()
    lasting: tuple[str, ...] = ()
    shared: bool = False


@dataclass(frozen=True)
class SiteSpec:
    """A place in a model where tokens can be reduced.

    Attributes:
        name: dotted name of `module` in the model; "model" for the model itself.
        kind: see `SiteKind`.
        depth: index of the transformer block, from 0; 0 for the model.
        module: the module whose calls are reduced.
        call: how it is called.
        cost: its operations; None where they are not known.
        width: channels of the tokens that the module returns, C; of the model's output, per token.
        residual: whether the output contains the input (a whole block): its own output is then the difference.
        travel: what goes where the tokens go.
        attention: the modules of its block's attention.
        stream: of a whole block, what lets tokens be removed for good.
        scale: by how much the grid is smaller than the model's.
    """

    name: str
    kind: SiteKind
    depth: int
    module: nn.Module
    call: Call
    cost: Cost | None
    width: int = 0
    residual: bool = False
    travel: Travel = Travel()
    attention: AttentionModules = AttentionModules()
    stream: StreamModules | None = None
    scale: int = 1

    @property
    def per_sample(self) -> bool:
        """Whether each sample of a batch can keep other tokens; else the batch shares them."""
        return not self.travel.shared

    def layout(self, call: Layout) -> Layout:
        """Return the layout of the tokens at this site in a model call of a layout."""
        return call.scaled(self.scale)

    def fits(self, length: int, image: int, prefix: int) -> bool:
        """Say whether a sequence of `length` can be the site's for so many tokens; the length of text is its own."""
        known = image + (prefix if "prefix" in self.call.order else 0)
        return length >= known if "text" in self.call.order else length == known

    def context(self, layout: Layout) -> int:
        """Return the number of tokens that are computed with the image's."""
        return sum({"prefix": layout.prefix, "text": layout.text}[part] for part in self.call.context)
