"""diffusers' `FluxTransformer2DModel`: joint attention with rotary positions, double and single blocks.

Rotary positions have no batch axis, so the samples of a batch share the tokens that they keep.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from tokred import Cost, Layout, Rotary, SiteSpec, Travel, UnsupportedModel
from tokred_adapters.modules import attention_cost, is_a, linear_flops, model_site

ROTARY = Travel("image_rotary_emb", axes=(0,))
MASK = Travel("attention_mask", axes=(-2, -1))


class FluxAdapter:
    """See `tokred.Adapter`."""

    family = "flux"
    models = ("FluxTransformer2DModel",)
    picture = "hidden_states"
    repeats = True

    def __init__(self) -> None:
        self._ids: torch.Tensor | None = None
        self._grids: tuple[tuple[int, int], ...] = ()

    def matches(self, model: nn.Module) -> bool:
        """See `tokred.Adapter`."""
        return is_a(model, "diffusers", "FluxTransformer2DModel")

    def entry(self, model: nn.Module) -> nn.Module:
        """See `tokred.Adapter`."""
        return model

    def layout(self, model: nn.Module, arguments: Mapping[str, Any]) -> Layout:
        """See `tokred.Adapter`. The position ids are read once for each tensor that holds them."""
        if arguments["img_ids"] is not self._ids:
            self._ids = arguments["img_ids"]
            self._grids = grids_of(self._ids)
        return Layout(grids=self._grids, text=arguments["encoder_hidden_states"].shape[1])

    def sites(self, model: nn.Module) -> list[SiteSpec]:
        """See `tokred.Adapter`."""
        host: Any = model
        double, single = host.transformer_blocks, host.single_transformer_blocks
        sites = [site for depth, block in enumerate(double) for site in _double_sites(depth, block)]
        for index, block in enumerate(single):
            sites += _single_sites(len(double) + index, f"single_transformer_blocks.{index}", block)
        return [*sites, model_site(model, sites, host.proj_out)]


def grids_of(ids: torch.Tensor) -> tuple[tuple[int, int], ...]:
    """Work out the pictures of a sequence from position ids `[N, 3]`: (picture, row, column) of each token.

    Raises:
        UnsupportedModel: if the tokens are not whole pictures, one after the other, row by row.
    """
    ids = ids[0] if ids.ndim == 3 else ids
    counts = torch.unique_consecutive(ids[:, 0], return_counts=True)[1]
    grids = []
    for picture in torch.split(ids, counts.tolist()):
        h, w = (int(n) + 1 for n in (picture[:, 1:].amax(0) - picture[:, 1:].amin(0)))
        rows = torch.arange(h, device=ids.device).repeat_interleave(w)
        if h * w != len(picture) or not torch.equal(picture[:, 1] - picture[0, 1], rows.to(ids.dtype)):
            raise UnsupportedModel(
                f"img_ids describe {len(picture)} tokens on a grid of {h} by {w}. Flux is supported for whole "
                "pictures, row by row, as FluxPipeline prepares them."
            )
        grids.append((h, w))
    return tuple(grids)


def _double_sites(depth: int, block: Any) -> list[SiteSpec]:
    name = f"transformer_blocks.{depth}"
    attention, mlp = attention_cost(block.attn), Cost(linear_flops(block.ff))
    return [
        SiteSpec(
            name=f"{name}.attn",
            kind="attn",
            depth=depth,
            module=block.attn,
            cost=attention,
            width=block.attn.to_q.in_features,
            context="text",
            output=0,
            travels=(ROTARY, MASK),
            stays=("encoder_hidden_states", "ip_hidden_states"),
            key_modules=(block.attn.to_k, block.attn.to_v),
            query_module=block.attn.to_q,
            rotary=_rotary(block.attn, context=True),
            key_output=block.attn.to_k,
            value_output=block.attn.to_v,
            per_sample=False,
        ),
        SiteSpec(
            name=f"{name}.ff",
            kind="mlp",
            depth=depth,
            module=block.ff,
            cost=mlp,
            width=block.attn.to_q.in_features,
            key_output=block.attn.to_k,
            value_output=block.attn.to_v,
            per_sample=False,
        ),
        _block_site(name, depth, block, attention + mlp),
    ]


def _single_sites(depth: int, name: str, block: Any) -> list[SiteSpec]:
    attention, keys = attention_cost(block.attn), (block.attn.to_k, block.attn.to_v)
    return [
        SiteSpec(
            name=f"{name}.attn",
            kind="attn",
            depth=depth,
            module=block.attn,
            cost=attention,
            width=block.attn.to_q.in_features,
            context="text",
            context_first=True,
            travels=(ROTARY, MASK),
            key_modules=keys,
            query_module=block.attn.to_q,
            rotary=_rotary(block.attn),
            key_output=block.attn.to_k,
            value_output=block.attn.to_v,
            per_sample=False,
        ),
        dataclasses.replace(
            _block_site(name, depth, block, attention + Cost(linear_flops(block.proj_mlp, block.proj_out))),
            key_modules=keys,
            key_norm=block.norm,
            rotary=_rotary(block.attn),
        ),
    ]


def _rotary(attention: Any, context: bool = False) -> Rotary:
    """Say where queries and keys can be rotated; the text has modules of its own in double blocks only."""
    return Rotary(
        argument="image_rotary_emb",
        queries=attention.norm_q,
        keys=attention.norm_k,
        rotate=_rotate,
        context_queries=attention.norm_added_q if context else None,
        context_keys=attention.norm_added_k if context else None,
    )


def _rotate(x: torch.Tensor, positions: Any) -> torch.Tensor:
    """Rotate `[B, L, H, d]` as Flux does."""
    from diffusers.models.embeddings import apply_rotary_emb

    return apply_rotary_emb(x, positions, sequence_dim=1)  # type: ignore[no-any-return]


def _block_site(name: str, depth: int, block: Any, cost: Cost) -> SiteSpec:
    return SiteSpec(
        name=name,
        kind="block",
        depth=depth,
        module=block,
        cost=cost,
        width=block.attn.to_q.in_features,
        context="text",
        output=1,
        residual=True,
        travels=(ROTARY,),
        stays=("encoder_hidden_states", "temb"),
        key_output=block.attn.to_k,
        value_output=block.attn.to_v,
        per_sample=False,
    )
