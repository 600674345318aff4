"""What a model family has to tell tokred: its sites, and how a call's tokens are laid out.

An adapter describes; it never patches and never copies a forward.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import nn

from tokred.interfaces import ClassToken, SiteKind
from tokred.layout import Layout

Keys = Literal["kept", "weighted", "full", "recovered"]
"""What the kept queries of an attention site attend to."""
Remembered = Literal["model", "half"]
"""What features are remembered in: the dtype that the model computes in, or half precision."""
Context = Literal["none", "prefix", "text"]


@dataclass(frozen=True)
class Travel:
    """A tensor argument, or a tuple of tensors, with a row per token: it is gathered as the tokens are.

    Rows of the image tokens come last along an axis; rows before them (text, prefix) are all kept. An axis of another
    length than the tokens', such as 1, is left alone.

    Attributes:
        argument: name of the argument; it may be absent or None in a call.
        axes: the axes that run over tokens.
    """

    argument: str
    axes: tuple[int, ...]


@dataclass(frozen=True)
class Cost:
    """Floating point operations of one call of a site for one sample; a multiply-add counts 2.

    Attributes:
        query: per token that is computed.
        key: per token whose key and value are projected.
        pair: per pair of a computed token and one that it attends to.
    """

    query: float
    key: float = 0.0
    pair: float = 0.0

    def flops(self, queries: int, projected: int, attended: int) -> float:
        """Return the operations for so many computed tokens, projected keys and attended keys."""
        return self.query * queries + self.key * projected + self.pair * queries * attended

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.query + other.query, self.key + other.key, self.pair + other.pair)


@dataclass(frozen=True)
class Rotary:
    """Where the queries and keys of an attention can be rotated in its place, so that they need not be the same tokens.

    Attributes:
        argument: the argument that holds the positions, tables with a row per token, those of the image last;
            without them the attention does not rotate.
        queries: the last module that queries pass before they would be rotated, `[B, L, H, d]`.
        keys: the last module that keys pass, likewise.
        context_queries: the same for the tokens that are computed with the image's, where these have their own.
        context_keys: likewise.
        rotate: rotates `[B, L, H, d]` by tables of L rows.
    """

    argument: str
    queries: nn.Module
    keys: nn.Module
    rotate: Callable[[torch.Tensor, Any], torch.Tensor]
    context_queries: nn.Module | None = None
    context_keys: nn.Module | None = None


@dataclass(frozen=True)
class Half:
    """One of the halves of a block, `x + branch(norm(x))`.

    Attributes:
        norm: the first module that the tokens pass.
        branch: makes what is added to them; where it returns zeros for a token, the half leaves that as it is.
    """

    norm: nn.Module
    branch: nn.Module


@dataclass(frozen=True)
class SiteSpec:
    """A place in a model where tokens can be reduced.

    Attributes:
        name: dotted name of `module` in the model; "model" for the model itself.
        kind: "attn", "mlp", "block", or "model": the model itself, which can be skipped and not reduced.
        depth: index of the transformer block, from 0; 0 for the model.
        module: the module whose calls are reduced.
        cost: its operations.
        width: channels of the tokens that the module returns, C; asked for where outputs are remembered. The model's
            output is taken for as many channels per token as its last projection makes.
        tokens: the argument that holds the tokens, `[B, L, C]`.
        context: the other tokens that are computed with the image tokens.
        context_first: whether that context stands before the image tokens in `tokens`, or is passed apart.
        apart: the argument that holds that context where it is passed apart.
        output: place of the image tokens in the pair that is returned; None where a tensor is returned.
        residual: whether the output contains the input (a whole block): its own output is then the difference.
        travels: arguments that are gathered with the tokens.
        stays: arguments that may have as many rows as there are tokens by chance, and are left alone.
        key_modules: the projections that make an attention's keys and values of image tokens, where they are
            linear layers of their own, the values last; they allow `keys="full"` and `"recovered"`.
        query_module: the projection that makes an attention's queries of the image tokens in `tokens`; it allows
            `signal="projection"`.
        key_norm: of a whole block that offers other keys, the module that normalises its tokens before the projections;
            the first of what it returns.
        rotary: where queries and keys can be rotated, if they are.
        key_output: the module that returns the keys of the block's attention, `[B, L, C]` or by heads `[B, H, L, d]`,
            image tokens last; it allows `signal="key"`.
        value_output: the same for the values; it allows `signal="value"`.
        class_token: what the block's class token attends to, where there is one; it allows `signal="class_attention"`,
            `"class_attention+key"` and `"significance"`.
        per_sample: whether each sample of a batch can keep other tokens; else the batch shares them.
        halves: of a whole block of attention and MLP, one after the other, these two, where no later module counts on
            the number of tokens; they allow sites of kind "stream".
        bias: of such a block, the argument that takes a tensor `[B, 1, 1, L]` to be added to the attention's logits; it
            allows `keys="weighted"`.
        pooled: of such a block, whether the image tokens are pooled after the last one: they come back for that as
            copies, so that each counts as often as it stands for others.
    """

    name: str
    kind: SiteKind
    depth: int
    module: nn.Module
    cost: Cost
    width: int = 0
    tokens: str = "hidden_states"
    context: Context = "none"
    context_first: bool = False
    apart: str = "encoder_hidden_states"
    output: int | None = None
    residual: bool = False
    travels: tuple[Travel, ...] = ()
    stays: tuple[str, ...] = ()
    key_modules: tuple[nn.Module, ...] = ()
    query_module: nn.Module | None = None
    key_norm: nn.Module | None = None
    rotary: Rotary | None = None
    key_output: nn.Module | None = None
    value_output: nn.Module | None = None
    class_token: ClassToken | None = None
    per_sample: bool = True
    halves: tuple[Half, Half] | None = None
    bias: str | None = None
    pooled: bool = False

    def context_tokens(self, layout: Layout) -> int:
        """Return the number of tokens that are computed with the image tokens."""
        return {"none": 0, "prefix": layout.prefix, "text": layout.text}[self.context]

    def lead(self, layout: Layout) -> int:
        """Return the number of tokens that stand before the image tokens in the `tokens` argument."""
        return self.context_tokens(layout) if self.context_first else 0


@runtime_checkable
class Adapter(Protocol):
    """Knows one model family."""

    @property
    def family(self) -> str:
        """Name of the family, such as "flux"."""
        ...

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the classes that it fits, as `tokred models` lists them."""
        ...

    @property
    def picture(self) -> str:
        """The argument of `entry` that holds the picture or latents; its first axis is the batch."""
        ...

    @property
    def repeats(self) -> bool:
        """Whether the model is called once per denoising step, rather than once per picture."""
        ...

    def matches(self, model: nn.Module) -> bool:
        """Say whether `model` is of this family; must not import the host library."""
        ...

    def entry(self, model: nn.Module) -> nn.Module:
        """Return the module whose call begins a model call and tells its layout: most often `model` itself."""
        ...

    def layout(self, model: nn.Module, arguments: Mapping[str, Any]) -> Layout:
        """Work out a call's layout.

        Args:
            model: the model.
            arguments: the arguments of the entry's call, by name.
        """
        ...

    def sites(self, model: nn.Module) -> Sequence[SiteSpec]:
        """List every site that the family offers, of every kind, block by block."""
        ...
