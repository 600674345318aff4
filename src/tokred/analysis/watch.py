"""Watching the sites of a model while it computes densely."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from tokred.adapter import Adapter, SiteSpec
from tokred.engine.arguments import Arguments, argument_names
from tokred.engine.outputs import token_output
from tokred.engine.pipeline_steps import SchedulerSteps
from tokred.engine.steps import Position
from tokred.layout import Layout


@dataclass(frozen=True)
class Seen:
    """One dense call of one site.

    Attributes:
        site: where.
        position: step and branch.
        layout: how the call's tokens were made up.
        inputs: what the site was called with, `[B, N, C]`, image tokens only.
        outputs: its residual branch, `[B, N, C]`, likewise.
    """

    site: SiteSpec
    position: Position
    layout: Layout
    inputs: torch.Tensor
    outputs: torch.Tensor


def finest(sites: Sequence[SiteSpec]) -> list[SiteSpec]:
    """Return each block's attention and MLP, or the block itself where it computes both at once."""
    divided = {site.depth for site in sites if site.kind == "mlp"}
    return [s for s in sites if s.kind != "model" and (s.kind == "block") is (s.depth not in divided)]


@contextmanager
def watching(pipe: Any, adapter: Adapter, sites: Sequence[SiteSpec], tell: Callable[[Seen], None]) -> Iterator[None]:
    """Tell of every call of `sites` while the block runs; nothing is changed in what the model computes.

    Args:
        pipe: a diffusers pipeline with a `transformer`.
        adapter: knows its family.
        sites: some of `adapter.sites(pipe.transformer)`.
        tell: is given each call, in order, without gradients.
    """
    watcher = _Watcher(pipe, adapter, tell)
    entry = adapter.entry(pipe.transformer)
    hooks = [entry.register_forward_pre_hook(watcher.begin, with_kwargs=True)]
    hooks += [site.module.register_forward_hook(watcher.at(site), with_kwargs=True) for site in sites]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        watcher.steps.detach()


class _Watcher:
    def __init__(self, pipe: Any, adapter: Adapter, tell: Callable[[Seen], None]) -> None:
        self.model, self.adapter, self.tell = pipe.transformer, adapter, tell
        self.steps = SchedulerSteps(pipe)
        self.names = argument_names(adapter.entry(self.model))

    def begin(self, entry: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Note where in the generation the model is called, and with what layout."""
        self.position = self.steps.next_call()
        self.layout = self.adapter.layout(self.model, Arguments(self.names, args, kwargs))

    def at(self, site: SiteSpec) -> Callable[..., None]:
        """Return the hook of one site."""
        names = argument_names(site.module)

        @torch.no_grad()
        def hook(module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
            lead = site.lead(self.layout)
            inputs: torch.Tensor = Arguments(names, args, kwargs)[site.tokens][:, lead:]
            outputs = token_output(site, result)[:, lead:]
            outputs = outputs - inputs if site.residual else outputs
            self.tell(Seen(site, self.position, self.layout, inputs, outputs))

        return hook
