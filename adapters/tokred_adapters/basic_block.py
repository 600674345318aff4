"""The sites of diffusers' `BasicTransformerBlock`, which DiT and PixArt share."""

from __future__ import annotations

from typing import Any

from tokred import Cost, SiteSpec, Travel
from tokred_adapters.modules import attention_cost, linear_flops

SELF_ATTENTION_MASK = Travel("attention_mask", axes=(-1,))


def basic_block_sites(model: Any) -> list[SiteSpec]:
    """List the self-attention, the feed-forward and the whole of each of the model's blocks.

    Text, where there is any, is attended to by a cross-attention of its own and is not counted.
    """
    return [site for depth, block in enumerate(model.transformer_blocks) for site in _sites(depth, block)]


def _sites(depth: int, block: Any) -> list[SiteSpec]:
    name = f"transformer_blocks.{depth}"
    attention, mlp, width = attention_cost(block.attn1), Cost(linear_flops(block.ff)), block.attn1.to_q.in_features
    return [
        SiteSpec(
            name=f"{name}.attn1",
            kind="attn",
            depth=depth,
            module=block.attn1,
            cost=attention,
            width=width,
            travels=(SELF_ATTENTION_MASK,),
            key_modules=(block.attn1.to_k, block.attn1.to_v),
            query_module=block.attn1.to_q,
            key_output=block.attn1.to_k,
            value_output=block.attn1.to_v,
        ),
        SiteSpec(
            name=f"{name}.ff",
            kind="mlp",
            depth=depth,
            module=block.ff,
            cost=mlp,
            width=width,
            key_output=block.attn1.to_k,
            value_output=block.attn1.to_v,
        ),
        SiteSpec(
            name=name,
            kind="block",
            depth=depth,
            module=block,
            cost=attention + mlp,
            width=width,
            residual=True,
            travels=(SELF_ATTENTION_MASK,),
            stays=("encoder_hidden_states", "encoder_attention_mask", "timestep", "class_labels", "added_cond_kwargs"),
            key_output=block.attn1.to_k,
            value_output=block.attn1.to_v,
        ),
    ]
