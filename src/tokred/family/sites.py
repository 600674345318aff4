"""From a family's description to the sites of a model."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from torch import nn

from tokred.errors import UnsupportedModel
from tokred.family.cost import Cost, linear_flops
from tokred.family.description import Attention, Family, Stack
from tokred.family.signature import IMAGE, Call, Order, Rows, read_call, read_rows
from tokred.family.site import AttentionModules, MadeRows, Rotary, SiteSpec, StreamModules, Travel
from tokred.interfaces import ClassToken, SiteKind

OF_MODEL = Call("", (), "", ((IMAGE,),))
"""How a model itself is called: nothing is asked of it."""


def sites_of(family: Family, model: nn.Module) -> list[SiteSpec]:
    """List every site that a family offers in a model, block by block; the model itself comes last.

    Raises:
        UnsupportedModel: if the model has not the modules that the description names.
    """
    sites: list[SiteSpec] = []
    for stack in stacks_of(family, model):
        for index, block in enumerate(cast(nn.ModuleList, _module(family, model, model, stack.path))):
            depth = sites[-1].depth + 1 if sites else 0
            sites += _Block(family, model, stack, f"{stack.path}.{index}", depth, block).sites()
    return [*sites, _model_site(family, model, sites)] if family.repeats else sites


def stacks_of(family: Family, model: nn.Module) -> tuple[Stack, ...]:
    """Return the stacks of a model."""
    return family.stacks(model) if callable(family.stacks) else family.stacks


def _model_site(family: Family, model: nn.Module, sites: list[SiteSpec]) -> SiteSpec:
    """Return the site that is the model itself; its blocks' operations stand for its own."""
    blocks = [site for site in sites if site.kind == "block"] or sites
    costs = [site.cost for site in blocks if site.cost is not None]
    projection = dict(model.named_modules()).get(family.projection) if blocks else None
    shown = max(blocks, key=lambda site: len(site.call.context)).call if blocks else OF_MODEL
    call = replace(OF_MODEL, order=shown.order, beside=shown.beside)
    width = getattr(projection, "out_features", 0) or getattr(projection, "out_channels", 0)
    return SiteSpec("model", "model", 0, model, call, sum(costs, Cost(0.0)) if costs else None, width)


def _module(family: Family, model: nn.Module, root: nn.Module, path: str) -> nn.Module:
    """Return the module at a path of a model or block."""
    try:
        return root.get_submodule(path)
    except AttributeError:
        raise UnsupportedModel(
            f"This {type(model).__name__} has no {path!r} in {type(root).__name__}, which the description of family "
            f"{family.name!r} names. Correct it, or use a method that skips whole steps, such as 'balanced'."
        ) from None


@dataclass(frozen=True)
class _Block:
    """One block of a stack, and the sites in it."""

    family: Family
    model: nn.Module
    stack: Stack
    name: str
    depth: int
    block: Any

    def sites(self) -> Iterator[SiteSpec]:
        """Yield the attentions, the MLP and the whole of the block, as far as they can be reduced."""
        attentions = [
            a for a in self.stack.attention if not a.optional or getattr(self.block, a.path, None) is not None
        ]
        modules = [self._attention(attention) for attention in attentions]
        costs = [_attention_cost(self._at(a.path), a) for a in attentions]
        shown = replace(modules[0], query=None, keys=(), norm=None, rotary=None) if modules else AttentionModules()
        if "attn" in self.stack.reduces:
            for attention, own, cost in zip(attentions, modules, costs, strict=True):
                yield self._site("attn", attention.path, read_call(attention.call), cost, own)
        path, order = self._mlp()
        if path:
            cost = Cost(linear_flops(self._at(path)))
            costs.append(cost)
            if "mlp" in self.stack.reduces:
                call = Call(_first_argument(self._at(path)), order, "", (order,))
                yield self._site("mlp", path, call, cost, shown)
        elif self.stack.mlp:
            costs.append(Cost(linear_flops(*(self._at(layer) for layer in self.stack.mlp))))
        if "block" in self.stack.reduces:
            yield self._whole(sum(costs, Cost(0.0)), modules, shown)

    def _whole(self, cost: Cost, modules: list[AttentionModules], shown: AttentionModules) -> SiteSpec:
        if self.stack.norm:
            shown = replace(modules[0], query=None, norm=self._at(self.stack.norm))
        call = replace(read_call(self.stack.call), in_place=self.stack.in_place)
        site = self._site("block", "", call, cost, shown)
        return replace(site, residual=True, stream=self._stream())

    def _site(self, kind: Any, path: str, call: Call, cost: Cost, attention: AttentionModules) -> SiteSpec:
        return SiteSpec(
            name=f"{self.name}.{path}" if path else self.name,
            kind=kind,
            depth=self.depth,
            module=self._at(path),
            call=call,
            cost=cost,
            width=self._width(),
            travel=self._travel(kind, call),
            attention=attention,
            scale=self.stack.scale,
        )

    def _travel(self, kind: SiteKind, call: Call) -> Travel:
        rows, made = self._rows(), self._made()
        shared = not all(row.batched for row in (*rows, *(each.rows for each in made)))
        if kind == "mlp":  # it is given tokens and nothing else
            return Travel(shared=shared)
        stays = (*self.stack.stays, *([call.beside] if call.beside else []))
        lasting = tuple(attention.rotary for attention in self.stack.attention if attention.rotary)
        return Travel(rows, made, stays, lasting, shared)

    def _mlp(self) -> tuple[str, Order]:
        """Return where the MLP is, if it is a module of its own, and the parts of the sequence that it sees."""
        if not isinstance(self.stack.mlp, str):
            return "", ()
        path, _, parts = self.stack.mlp.partition(":")
        return path, tuple(parts.split()) or read_call(self.stack.call).order

    def _rows(self) -> tuple[Rows, ...]:
        given = {name: axes for name, axes in self.stack.rows.items() if not name.endswith("()")}
        return tuple(rows for name, axes in given.items() for rows in read_rows(name, axes))

    def _made(self) -> tuple[MadeRows, ...]:
        methods = [(name[:-2], axes) for name, axes in self.stack.rows.items() if name.endswith("()")]
        places = [(*name.rpartition(".")[::2], axes) for name, axes in methods]
        return tuple(MadeRows(self._at(path), name, read_rows(name, axes)[0]) for path, name, axes in places)

    def _width(self) -> int:
        """Return the channels of the block's tokens."""
        if self.stack.attention:
            attention = self.stack.attention[0]
            names = attention.projections
            name = names if isinstance(names, str) else names[0]
            return int(self._at(attention.path).get_submodule(name).in_features)
        return next((module.in_features for module in self.block.modules() if isinstance(module, nn.Linear)), 0)

    def _attention(self, attention: Attention) -> AttentionModules:
        """Return the modules of an attention."""
        order: Order = tuple(attention.joined.split()) or read_call(attention.call).order
        module = self._at(attention.path)
        if isinstance(attention.projections, str):
            shown = getattr(module, attention.norms[1], None) if attention.norms else None
            rotates = bool(attention.rotary)
            return AttentionModules(order, shown_key=shown, rotates=rotates, class_token=self._class_token())
        query, key, value = (module.get_submodule(name) for name in attention.projections)
        return AttentionModules(
            order=order,
            query=query,
            keys=(key, value) if attention.apart else (),
            shown_key=key,
            shown_value=value,
            heads=getattr(module, attention.heads) if attention.heads else 0,
            rotary=self._rotary(attention, module, order),
            rotates=bool(attention.rotary),
            class_token=self._class_token(),
        )

    def _class_token(self) -> ClassToken | None:
        halves = self.stack.halves
        return halves.class_token(self.model, self.block) if halves else None

    def _rotary(self, attention: Attention, module: Any, order: Order) -> Rotary | None:
        rows = [row for row in self._rows() if row.argument == attention.rotary]
        if not rows or attention.rotate is None or not attention.norms:
            return None
        query, key, *context = (module.get_submodule(name) for name in attention.norms)
        return Rotary(rows[0], query, key, order, attention.rotate, tuple(context), attention.heads_first)

    def _stream(self) -> StreamModules | None:
        """Return what lets tokens be removed for good between attention and MLP, where the block is such."""
        halves = self.stack.halves
        if halves is None or not halves.fits(self.block):
            return None
        branches = halves.branches or (self.stack.attention[0].path, self._mlp()[0])
        first, second = ((self._at(norm), self._at(last)) for norm, last in zip(halves.norms, branches, strict=True))
        return StreamModules((first, second), halves.bias, halves.pooled(self.model))

    def _at(self, path: str) -> Any:
        return _module(self.family, self.model, self.block, path)


def _attention_cost(attention: Any, described: Attention) -> Cost:
    """Return the cost of an attention, from its projections."""
    last = dict(attention.named_modules()).get(described.out)
    out = 0.0 if last is None else linear_flops(last)
    if isinstance(described.projections, str):
        fused = attention.get_submodule(described.projections)
        inner = getattr(attention, "inner_dim", fused.out_features // 3 if described.path else fused.in_features)
        keys = 4.0 * inner * fused.in_features
        return Cost(linear_flops(fused) - keys + out, keys, 4.0 * inner)
    query, key, value = (attention.get_submodule(name) for name in described.projections)
    return Cost(linear_flops(query) + out, linear_flops(key, value), 4.0 * query.out_features)


def _first_argument(module: nn.Module) -> str:
    """Return the name of the argument that a module takes first."""
    return next(name for name in inspect.signature(type(module).forward).parameters if name != "self")
