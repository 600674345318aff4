"""A model family as data: how its models are made up, from which the sites follow where tokens can be reduced.

```python
WAN = Family(
    name="wan",
    models=("diffusers.WanTransformer3DModel",),
    grid=patches(),
    stacks=(
        Stack(
            "blocks",
            call="hidden_states: image -> image",
            attention=(Attention("attn1", "hidden_states: image -> image", norms=("norm_q", "norm_k")),),
            mlp="ffn",
            rows={"rotary_emb": "1 image 1 d", "temb": "b image ..."},
            stays=("encoder_hidden_states",),
        ),
    ),
)
```

`tokred check` runs a model with such a description and names each line that is not true of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tokred.layout import Grid, Role

if TYPE_CHECKING:
    import torch

    from tokred.interfaces import ClassToken

Grids = tuple[Grid, ...]
GridReader = Callable[[Any, Mapping[str, Any]], Grids]
"""Works out the grids of a call's image tokens from the model and the arguments of the call, by name."""
Rotate = Callable[["torch.Tensor", Any], "torch.Tensor"]
"""Rotates what an attention's last module before it would rotate returns, by tables of as many rows."""
Part = Literal["attn", "mlp", "block"]


@dataclass(frozen=True)
class Attention:
    """An attention of a block.

    Attributes:
        path: where it is in the block; empty where the block attends by itself.
        call: how it is called, see `tokred.family.signature`.
        projections: names of the linear layers that make queries, keys and values of the image's tokens; or the name
            of the one that makes all three, with which keys and values of their own cannot be had.
        out: name of what its output passes last.
        joined: the parts of the sequence that the projections see, where the attention joins what it is called with.
        norms: names of the last modules that queries and keys pass before they are rotated, if they are; then those of
            the context's queries and keys, where these are made apart.
        rotary: the argument that holds rotary tables, one of the stack's `rows`.
        rotate: rotates what those modules return; without it an attention with rotary positions takes the keys of the
            kept tokens only.
        heads_first: whether they return `[B, H, L, d]`; `rotate` is given `[B, L, H, d]` all the same.
        apart: whether there may be other keys than those of the tokens it is called with; not where it gives queries
            and keys one shape.
        heads: name of its number of heads, where keys `[B, L, C]` are compared by their mean over heads, as in a ViT.
        optional: whether a block may be without it.
    """

    path: str
    call: str
    projections: tuple[str, str, str] | str = ("to_q", "to_k", "to_v")
    out: str = "to_out"
    joined: str = ""
    norms: tuple[str, ...] = ()
    rotary: str = ""
    rotate: Rotate | None = None
    heads_first: bool = False
    apart: bool = True
    heads: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Halves:
    """A block that is an attention and an MLP one after the other, `x + branch(norm(x))`; it allows "stream" sites.

    Attributes:
        norms: names of the first module of each half.
        branches: names of the last, which makes what is added; by default the attention and the MLP.
        fits: says whether a block is such; a branch of zeros must add nothing.
        bias: the argument of the block that takes a tensor `[B, 1, 1, L]` to be added to the attention's logits; it
            allows `keys="weighted"`.
        pooled: says whether a model pools its image tokens after the last block: removed ones come back for that.
        class_token: what the class token of a block attends to, from model and block; None where it has none.
    """

    norms: tuple[str, str]
    fits: Callable[[Any], bool]
    branches: tuple[str, str] | None = None
    bias: str | None = None
    pooled: Callable[[Any], bool] = lambda model: False
    class_token: Callable[[Any, Any], ClassToken | None] = lambda model, block: None


@dataclass(frozen=True)
class Stack:
    """Blocks that follow each other.

    Attributes:
        path: where the list of blocks is in the model.
        call: how a block is called, see `tokred.family.signature`.
        attention: its attentions; the first is the one whose keys and values can be compared.
        mlp: name of its MLP, a module that is called once with the block's tokens, or with other parts of the sequence,
            such as "ff: text image"; or the names of its linear layers where it is not a module of its own and can be
            reduced with the whole block only.
        rows: tensor arguments of block and attention that have a row per token, with their axes, such as
            {"image_rotary_emb": "(text image) d"}; "keys: b 1 1 image" where the tokens are those attended to; or a
            method of a module in the block that makes such a tensor, such as {"attn.bias()": "1 h image image"}.
        stays: arguments that may have as many rows as there are tokens by chance.
        reduces: what can be reduced.
        norm: name of the module that normalises the block's tokens before its projections, where whole blocks can
            attend to keys of all tokens.
        halves: see `Halves`.
        scale: by how much the grid is smaller than the model's, in each of its last two dimensions.
        in_place: whether a block adds to the tensors that it is given, and returns these.
    """

    path: str
    call: str
    attention: tuple[Attention, ...] = ()
    mlp: str | tuple[str, ...] = ""
    rows: Mapping[str, str] = field(default_factory=dict)
    stays: tuple[str, ...] = ()
    reduces: tuple[Part, ...] = ("attn", "mlp", "block")
    norm: str = ""
    halves: Halves | None = None
    scale: int = 1
    in_place: bool = False


@dataclass(frozen=True)
class Family:
    """One model family.

    Attributes:
        name: such as "flux".
        models: the classes that it fits, each as "library.Class".
        grid: reads the grids of the image's tokens from a call; see `tokred.family.grids`.
        roles: of each grid, in order; those after the last that is named have its role.
        stacks: the blocks; or what lists them for a model, where models of the family differ.
        picture: the argument that holds the picture or latents; its first axis is the batch.
        text: the argument that holds the text, `[B, T, C]`; or what counts its tokens as the blocks see them.
        prefix: counts the tokens that lead the image's by themselves, such as class tokens.
        projection: where the last linear layer or convolution is, which makes a token's part of the output.
        entry: where the module is whose call begins a model call, if it is not the model itself; or what says it.
        axes: those of what the model returns, such as "b f c h w", where they are not "b c h w" or "b c f h w"; without
            "b" where it returns a list of a tensor for each sample. "b image (c 2 2)" where it returns a row per token,
            of the channels of 2 x 2 pixels.
        repeats: whether the model is called once per denoising step, rather than once per picture.
    """

    name: str
    models: tuple[str, ...]
    grid: GridReader
    stacks: tuple[Stack, ...] | Callable[[Any], tuple[Stack, ...]] = ()
    roles: tuple[Role, ...] = ("target",)
    picture: str = "hidden_states"
    text: str | Callable[[Any, Mapping[str, Any]], int] = "encoder_hidden_states"
    prefix: Callable[[Any], int] = lambda model: 0
    projection: str = "proj_out"
    entry: str | Callable[[Any], str] = ""
    axes: str = ""
    repeats: bool = True
