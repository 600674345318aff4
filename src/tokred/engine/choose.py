"""Which of a model's sites a method is applied to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from tokred.errors import UnsupportedModel
from tokred.family.cost import Cost
from tokred.family.site import SiteSpec
from tokred.interfaces import Place, Shown, SiteKind
from tokred.method import Method


def choose(specs: Sequence[SiteSpec], method: Method, model: nn.Module) -> list[SiteSpec]:
    """Return the sites that the method names, block by block."""
    blocks: dict[int, list[SiteSpec]] = defaultdict(list)
    for spec in specs:
        blocks[spec.depth].append(spec)
    offered = [spec for block in blocks.values() for spec in [*_with_kv_sites(block, method), *_stream_sites(block)]]
    chosen = [spec for spec in offered if spec.kind in _kinds(blocks[spec.depth], method)]
    if method.sites == ("stream",) and len(chosen) < len(blocks):
        raise UnsupportedModel(
            "The model cannot go on with fewer tokens: it needs one for each place of the picture at its end, or has "
            "blocks that are not an attention and an MLP one after the other. Use a method that keeps the full length, "
            "such as 'tomesd'."
        )
    if not chosen:
        raise UnsupportedModel(
            f"{type(model).__name__} has no site of kind {', '.join(method.sites)}. It offers: "
            f"{', '.join(sorted({spec.kind for spec in specs}))}."
        )
    return chosen


def places_of(specs: Sequence[SiteSpec], chosen: Sequence[SiteSpec], method: Method) -> list[Place]:
    """Return the chosen sites as the method's signal sees them."""
    blocks = {spec.depth: spec for spec in specs if spec.kind == "block"}
    return [_place(spec, blocks.get(spec.depth), method) for spec in chosen]


def _place(spec: SiteSpec, block: SiteSpec | None, method: Method) -> Place:
    attention = spec.attention
    values = attention.keys[-1] if attention.keys else None
    alone = {"attn": attention.query, "kv": values}
    whole = block or spec
    return Place(
        name=spec.name,
        kind=spec.kind,
        module=spec.module,
        recovery=method.recovery,
        block=block.module if block else None,
        tokens=whole.call.tokens,
        order=whole.call.order,
        projection=alone.get(spec.kind),
        keys=Shown(attention.shown_key, attention.heads) if attention.shown_key else None,
        values=attention.shown_value,
        attended=attention.order,
        class_token=spec.class_token,
    )


def _kinds(block: list[SiteSpec], method: Method) -> set[SiteKind]:
    """Return the kinds of site to use in a block; a parallel block stands for its "attn" and "mlp" together."""
    offered, wanted = {spec.kind for spec in block}, set(method.sites)
    if wanted >= {"attn", "mlp"} and "mlp" not in offered and "block" in offered:
        return wanted - {"attn", "mlp"} | {"block"}
    return wanted


def _with_kv_sites(block: list[SiteSpec], method: Method) -> list[SiteSpec]:
    """Add the attentions of a block as sites whose keys and values alone are reduced.

    Where queries are reduced beside them, each of the two has its own part of the attention's cost.
    """
    attentions = [spec for spec in block if spec.kind == "attn"]
    if not {"attn", "kv"} <= set(method.sites):
        return [*block, *(replace(spec, kind="kv") for spec in attentions)]
    queries = [replace(spec, cost=Cost(_cost(spec).query)) if spec.kind == "attn" else spec for spec in block]
    keys = [
        replace(spec, kind="kv", name=f"{spec.name}.kv", cost=replace(_cost(spec), query=0.0)) for spec in attentions
    ]
    return [*queries, *keys]


def _cost(spec: SiteSpec) -> Cost:
    return spec.cost or Cost(0.0)


def _stream_sites(block: list[SiteSpec]) -> list[SiteSpec]:
    """Return a block from its MLP on as a site, where it can be called half by half."""
    mlps = {spec.depth: spec for spec in block if spec.kind == "mlp"}
    return [
        replace(spec, kind="stream", name=mlps[spec.depth].name, cost=mlps[spec.depth].cost)
        for spec in block
        if spec.kind == "block" and spec.stream is not None
    ]
