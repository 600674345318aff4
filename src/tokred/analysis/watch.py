"""Watching the sites of a model while it computes densely."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from tokred.arguments import Arguments, argument_names
from tokred.engine.denoisers import denoisers_of
from tokred.engine.outputs import token_output
from tokred.engine.pipeline_steps import SchedulerSteps
from tokred.engine.steps import Position
from tokred.errors import UnsupportedModel
from tokred.family.description import Family
from tokred.family.layouts import entry_of, layout_of
from tokred.family.site import SiteSpec
from tokred.family.spans import split
from tokred.layout import Layout
from tokred.registry import family_for


@dataclass(frozen=True)
class Seen:
    """One dense call of one site.

    Attributes:
        site: where.
        position: step and branch.
        layout: how the site's tokens were made up.
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


def denoiser_of(pipe: Any, purpose: str) -> tuple[torch.nn.Module, Family]:
    """Return the denoiser of a pipeline that watches can be made of, and what describes it.

    Args:
        pipe: a diffusers pipeline.
        purpose: what messages call what it is wanted for.

    Raises:
        UnsupportedModel: if it has none, or several, or no family describes it; or its scheduler makes no steps.
    """
    models = denoisers_of(pipe, lambda model: False)
    if len(models) > 1:
        raise UnsupportedModel(f"{purpose} watches one denoiser, and {type(pipe).__name__} has {', '.join(models)}.")
    (model,) = models.values()
    if not hasattr(getattr(pipe, "scheduler", None), "set_timesteps"):
        raise UnsupportedModel(f"{purpose} counts the steps of a diffusers scheduler: {type(pipe).__name__} has none.")
    return model, family_for(model, purpose)


@contextmanager
def watching(pipe: Any, family: Family, sites: Sequence[SiteSpec], tell: Callable[[Seen], None]) -> Iterator[None]:
    """Tell of every call of `sites` while the block runs; nothing is changed in what the model computes.

    Args:
        pipe: a diffusers pipeline with one denoiser.
        family: describes it.
        sites: some of its sites.
        tell: is given each call, in order, without gradients.
    """
    (model,) = denoisers_of(pipe, lambda model: False).values()
    watcher = _Watcher(pipe, model, family, tell)
    entry = entry_of(family, model)
    hooks = [entry.register_forward_pre_hook(watcher.begin, with_kwargs=True)]
    hooks += [site.module.register_forward_hook(watcher.at(site), with_kwargs=True) for site in sites]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        watcher.steps.leave(watcher)


class _Watcher:
    def __init__(self, pipe: Any, model: torch.nn.Module, family: Family, tell: Callable[[Seen], None]) -> None:
        self.model, self.family, self.tell = model, family, tell
        self.steps = SchedulerSteps(pipe)
        entry = entry_of(family, self.model)
        self.names = argument_names(entry)

    def begin(self, entry: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Note where in the generation the model is called, and with what layout."""
        position = self.steps.next_call(self, "")
        assert position is not None, "a pipeline's scheduler always knows"
        self.position = position
        self.layout = layout_of(self.family, self.model, Arguments(self.names, args, kwargs))

    def at(self, site: SiteSpec) -> Callable[..., None]:
        """Return the hook of one site."""
        names = argument_names(site.module)

        @torch.no_grad()
        def hook(module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
            layout = site.layout(self.layout)  # of a UNet each level has its own
            order, image = site.call.order, layout.image
            inputs = split(Arguments(names, args, kwargs)[site.call.tokens], order, image)[1]
            outputs = split(token_output(site, result), order, image)[1]
            outputs = outputs - inputs if site.residual else outputs
            self.tell(Seen(site, self.position, layout, inputs, outputs))

        return hook
