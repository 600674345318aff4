"""Gradient checkpointing calls blocks again in the backward pass: they do then what they did in that model call."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves
from torch.utils.hooks import RemovableHandle
from torch.utils.weak import TensorWeakRef

from tokred.engine.base_site import BaseSite, is_recomputing
from tokred.engine.state import Gathered, SiteState
from tokred.engine.stream import StreamSite
from tokred.errors import UnsupportedModel
from tokred.interfaces import Phase, Plan, Time

FLAGS = ("gradient_checkpointing", "grad_checkpointing")
"""Attributes by which modules of diffusers and transformers, and of timm, say that they are checkpointed."""


@dataclass(frozen=True)
class _Done:
    """What a site did in a model call."""

    plan: Plan
    state: SiteState
    time: Time
    versions: tuple[int, ...]


@dataclass
class _Call:
    """One model call, as far as its blocks need it again."""

    versions: dict[BaseSite, tuple[int, ...]]
    done: dict[BaseSite, _Done] = field(default_factory=dict)
    streams: dict[nn.Module, dict[str, Any]] = field(default_factory=dict)


class Recomputation:
    """Hooks of a model's blocks, from its first checkpointed call on.

    A block that is called in a backward pass finds the model call by the tokens that it is given, which checkpointing
    has kept; one further inside what is recomputed goes on with the call of the one before it. Blocks of transformers
    checkpoint their own forward, inside of hooks, so that it is the first module in them that is given those tokens.

    Args:
        model: whose blocks.
        sites: those at work in it.
    """

    def __init__(self, model: nn.Module, sites: Sequence[BaseSite]) -> None:
        self.model, self.sites = model, sites
        self.blocks: dict[nn.Module, list[BaseSite]] = {}
        self.hooks: list[RemovableHandle] = []
        self.calls: dict[int, tuple[TensorWeakRef, _Call]] = {}
        self.now: _Call | None = None
        self.left = False

    def begin(self) -> None:
        """Follow the model call that is about to happen, if it is checkpointed."""
        self.now = None
        self.calls = {place: seen for place, seen in self.calls.items() if seen[0]() is not None}
        if not torch.is_grad_enabled() or not any(map(_is_flagged, self.model.modules())):
            return
        if not self.hooks:
            self._attach()
        self.now = _Call({site: _versions(site.state) for site in self.sites})

    def end(self, output: Any) -> None:
        """Note what the sites have done in it, and have its backward pass refused once they are gone."""
        if self.now is not None:
            self.now.done = {site: _done(site, self.now.versions[site]) for site in self.sites}
            for value in tree_leaves(output):
                if isinstance(value, torch.Tensor) and value.requires_grad:
                    value.register_hook(self._refuse_left)  # type: ignore[no-untyped-call]

    def _refuse_left(self, gradient: torch.Tensor) -> None:
        if self.left:
            raise UnsupportedModel(
                f"tokred was removed from this {type(self.model).__name__} before backward(), in which checkpointed "
                "blocks are computed again. Call backward() before remove(), or before the with block ends."
            )

    def detach(self) -> None:
        """Leave no trace in the model."""
        self.left = True
        for hook in self.hooks:
            hook.remove()
        self.hooks.clear()
        self.calls.clear()

    def pass_block(self, block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Note a block's call, or have its sites do what they did."""
        if is_recomputing():
            self._find(args, kwargs)
            self._repeat(block)
        elif self.now is not None:
            tokens = _first(args, kwargs)
            self.calls[tokens.data_ptr()] = TensorWeakRef(tokens), self.now
            for site in _streams(self.blocks[block]):
                self.now.streams[block] = vars(site.stream).copy()

    def pass_part(self, block: nn.Module, part: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Have the sites of a block do what they did, where `part` is the first in it that is called again."""
        if is_recomputing() and self._find(args, kwargs):
            self._repeat(block)

    def _find(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Go on with the model call that something was called in; return whether it is known."""
        seen = self.calls.get(_first(args, kwargs).data_ptr())
        if seen is None or seen[0]() is None:
            return False
        self.now = seen[1]
        return True

    def _repeat(self, block: nn.Module) -> None:
        """Have the sites in a block do what they did; they refuse where that is not known."""
        if self.now is None:
            return
        for site in self.blocks[block]:
            done = self.now.done[site]
            if done.plan.phase.reduces and done.versions != _versions(done.state):
                raise UnsupportedModel(
                    f"{site.spec.name} is computed again in a backward pass, and what it remembered has changed since. "
                    "Call backward() after each model call; if that does not help, switch gradient checkpointing off, "
                    "or use a method that remembers nothing, such as 'tomesd'."
                )
            site.repeat(done.plan, done.state, done.time)
        for site in _streams(self.blocks[block]):
            vars(site.stream).update(self.now.streams[block])

    def _attach(self) -> None:
        """Hook the blocks that have sites."""
        self.blocks = self._blocks_of_sites()
        for block, sites in self.blocks.items():
            if _is_flagged(block) and any(site.spec.module is block for site in sites):
                raise UnsupportedModel(
                    f"A {type(block).__name__} checkpoints the inside of its forward, around which its tokens are "
                    "reduced. Switch gradient checkpointing off, or reduce attention and MLP alone, as 'tomesd' does."
                )
        for block in self.blocks:
            self.hooks.append(block.register_forward_pre_hook(self.pass_block, with_kwargs=True))
            if _is_flagged(block):
                pass_part = functools.partial(self.pass_part, block)
                self.hooks += [part.register_forward_pre_hook(pass_part, with_kwargs=True) for part in block.children()]

    def _blocks_of_sites(self) -> dict[nn.Module, list[BaseSite]]:
        """Find each site's block: of its name, what ends in the last number."""
        blocks: dict[nn.Module, list[BaseSite]] = {}
        names = {module: name for name, module in self.model.named_modules()}
        for site in self.sites:
            path = names[site.spec.module].split(".")
            numbers = [place for place, part in enumerate(path) if part.isdigit()]
            if numbers:
                block = self.model.get_submodule(".".join(path[: numbers[-1] + 1]))
                blocks.setdefault(block, []).append(site)
        return blocks


def _is_flagged(module: nn.Module) -> bool:
    return any(getattr(module, flag, False) for flag in FLAGS)


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    """Return the first tensor that a module is called with; a block is called with its tokens first."""
    return next(value for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor))


def _done(site: BaseSite, versions: tuple[int, ...]) -> _Done:
    plan = replace(site.plan, phase=Phase.REDUCE if site.plan.phase.reduces else Phase.DENSE)
    match = replace(site.state.match, gathered=Gathered())
    return _Done(plan, replace(site.state, match=match), site.time.clone(), versions)


def _versions(state: SiteState) -> tuple[int, ...]:
    """Tell whether what is remembered is written to."""
    return tuple(tensor._version for memory in state.memories.values() for tensor in memory.values())


def _streams(sites: Sequence[BaseSite]) -> list[StreamSite]:
    return [site for site in sites if isinstance(site, StreamSite)]
