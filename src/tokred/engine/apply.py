"""Applying a method to a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from tokred.engine.branches import BranchNames
from tokred.engine.choose import choose, places_of
from tokred.engine.copies import Copies
from tokred.engine.denoisers import denoisers_of
from tokred.engine.explicit_steps import ExplicitSteps
from tokred.engine.inner import Inner
from tokred.engine.ledger import Ledger
from tokred.engine.model_site import ModelSite
from tokred.engine.needs import NEEDS
from tokred.engine.parallel import refuse_parallel
from tokred.engine.patch import PatchedForward, is_cached, patch_of
from tokred.engine.pipeline_steps import SchedulerSteps
from tokred.engine.run import Run
from tokred.engine.sharing import match_groups
from tokred.engine.site import Site
from tokred.engine.slower import SlowerCheck
from tokred.engine.steps import StepSource
from tokred.engine.stream import Stream, StreamSite
from tokred.engine.trained import refuse_misfits
from tokred.engine.unit import Unit, units_of
from tokred.engine.usual import usual_method
from tokred.errors import ConflictError, UnsupportedModel
from tokred.family.description import Family
from tokred.family.layouts import entry_of
from tokred.family.site import SiteSpec
from tokred.family.sites import sites_of
from tokred.family.whole import takes_time, whole_calls
from tokred.interfaces import Place, SiteInfo
from tokred.method import Method
from tokred.registry import build_method, family_for, family_of

if TYPE_CHECKING:
    from tokred.engine.turn import Turn

AnySite = Site | StreamSite | ModelSite
FindFamily = Callable[[nn.Module], Family | None]


def apply(
    target: Any, method: str | Path | Method | None = None, *, family: Family | None = None, **params: Any
) -> Run:
    """Apply a token-reduction method to a pipeline or a model.

    Args:
        target: a diffusers pipeline, one of its denoisers, or a vision model of timm or transformers. All denoisers of
            a pipeline are patched, as one run. A denoiser by itself needs `tokred.step(...)` around its calls, unless
            the method reuses nothing between steps.
        method: name of a registered method, in any case, or "NAME:key=value,..."; a `Method`, or the path of a .json
            file that `save_method` wrote. None for the preset "balanced", or "edit" where a pipeline takes reference
            pictures, such as Flux Kontext's.
        family: describes the model, in place of the registered description of its class.
        **params: the named method's parameters; `tokred methods NAME` lists them. A list stands for a tuple.

    Returns:
        A `Run`: a context manager with `report()` and `remove()`.

    Raises:
        SpecError: if the method, or a parameter, is unknown or out of range.
        UnsupportedModel: if no family describes a model and the method needs to know its tokens, or the family does not
            offer what the method asks for. Nothing is applied to the others then.
        ConflictError: if tokred or an enabled diffusers cache already patches a model.

    Warns:
        SlowerWarning: at the first model call, where the method is estimated to make it slower on its CUDA device.

    Examples:
        >>> with tokred.apply(pipe, "dito", ratio=0.5) as run:  # doctest: +SKIP
        ...     image = pipe(prompt).images[0]
        ...     print(run.report())
    """
    made = build_method(usual_method(target) if method is None else method, params)
    return apply_by(target, made, family_of if family is None else lambda model: family)


def apply_by(target: Any, method: Method, find: FindFamily) -> Run:
    """Apply a method to a pipeline or a model by the family that `find` has for it, see `apply`."""
    models = denoisers_of(target, lambda model: (family := find(model)) is not None and family.repeats)
    ledger = Ledger()
    parts = [_prepared(name if len(models) > 1 else "", model, method, find, ledger) for name, model in models.items()]
    repeats = all(part.family.repeats for part in parts)
    steps: StepSource = ExplicitSteps(alone=not method.scheduler.reuses)
    if hasattr(target, "scheduler") and repeats:
        steps = SchedulerSteps(target, not method.scheduler.reuses, models, ledger.warn)
    from tokred.engine.turn import Turn  # these three import torch._dynamo, which takes a second

    turn = Turn()
    undo = [action for part in parts for action in part.install(method, steps, ledger, turn)]
    patches = [patch for part in parts for patch in part.patches]
    run = Run(models, method, [site for part in parts for site in part.sites], ledger, patches, undo)
    if len(parts) == 1:  # of several models, which one draws when is not known
        parts[0].slower.run = run
    return run


@dataclass(frozen=True)
class _Part:
    """One denoiser, ready to be patched; it has not been changed."""

    name: str
    model: nn.Module
    family: Family
    sites: list[AnySite]
    patches: list[PatchedForward]
    units: list[Unit]
    inner: Inner
    slower: SlowerCheck

    def install(self, method: Method, steps: StepSource, ledger: Ledger, turn: Turn) -> list[Callable[[], None]]:
        """Put everything in place that stands around a module; return what takes the rest away."""
        from tokred.engine.planner import CallPlanner
        from tokred.engine.timing import CallTimer

        names, timer = BranchNames(self.model), CallTimer(ledger, self.slower)
        planner = CallPlanner(self.model, self.family, method, self.sites, steps, names, ledger, self.inner, self.units)
        for patch in self.patches:
            patch.install()
        names.attach()
        hooks = [
            self.model.register_forward_pre_hook(turn.take),
            self.model.register_forward_pre_hook(planner.before),
            entry_of(self.family, self.model).register_forward_pre_hook(planner, with_kwargs=True),
            self.model.register_forward_pre_hook(timer.before),
            self.model.register_forward_hook(timer.after),
            self.model.register_forward_hook(planner.after),
            self.model.register_forward_hook(planner.left, always_call=True),
            self.model.register_forward_hook(turn.give, always_call=True),
        ]
        copies: list[Copies | Inner] = [*self._copies([hook.id for hook in hooks]), self.inner]
        for each in copies:
            each.attach()
        return [*(each.detach for each in copies), planner.leave, names.detach, *(hook.remove for hook in hooks)]

    def _copies(self, hooks: list[int]) -> list[Copies]:
        """Make what has each module that something was put on saved without it."""
        patches: dict[nn.Module, list[PatchedForward]] = {self.model: [], entry_of(self.family, self.model): []}
        for patch in self.patches:
            if patch.module not in self.inner.modules:
                patches.setdefault(patch.module, []).append(patch)
        return [Copies(module, stands, hooks) for module, stands in patches.items()]


def _prepared(name: str, model: nn.Module, method: Method, find: FindFamily, ledger: Ledger) -> _Part:
    """Check that a method can be applied to a model, and make what does it."""
    refuse_conflicts(model)
    refuse_parallel(model, method)
    family = find(model)
    if family is None and method.skips_model_only and takes_time(model):
        family = whole_calls(model)
    family = family or family_for(model, method.name)
    if method.scheduler.reuses and not family.repeats:
        raise UnsupportedModel(
            f"{method.name} reuses correspondences from step to step, and {type(model).__name__} is called once per "
            "picture. Use a method that matches in every call, such as 'tomesd'."
        )
    specs = [replace(spec, name=f"{name}.{spec.name}" if name else spec.name) for spec in sites_of(family, model)]
    chosen = choose(specs, method, model)
    places = places_of(specs, chosen, method)
    for need in NEEDS:
        need.refuse(chosen, places, method)
    refuse_misfits(specs, chosen, method)
    sites = _sites(method, specs, chosen, places, ledger)
    stands = sorted((stand for site in sites for stand in site.stands), key=lambda stand: stand.layer)
    units = units_of(model, sites)
    patches = [*(PatchedForward(stand.module, stand.around, stand.method) for stand in stands), *units]
    return _Part(name, model, family, sites, patches, units, Inner(model, patches), SlowerCheck(model, family))


def refuse_conflicts(model: nn.Module) -> None:
    """Refuse a model that is compiled, or that something else is at work on.

    Raises:
        ConflictError: likewise.
    """
    name = type(model).__name__
    if hasattr(model, "_orig_mod") or getattr(model, "_compiled_call_impl", None) is not None:
        inside = " Its `_orig_mod` is the model that was compiled." if hasattr(model, "_orig_mod") else ""
        raise ConflictError(
            f"This {name} is compiled already. Call tokred.apply() first, then compile the model.{inside}"
        )
    modules = list(model.modules())
    if any(patch_of(module) is not None for module in modules):
        raise ConflictError(f"tokred is already applied to this {name}. Call tokred.remove() on it first.")
    if any(is_cached(module) for module in modules):
        raise ConflictError(
            f"A cache is enabled on this {name}, and would store reduced tokens. Call disable_cache() first, "
            "then tokred.apply(), then enable_cache()."
        )


def _sites(
    method: Method, specs: Sequence[SiteSpec], chosen: Sequence[SiteSpec], places: Sequence[Place], ledger: Ledger
) -> list[AnySite]:
    """Make the sites; the model is left as it is."""
    sites: list[AnySite] = []
    blocks, stream = 1 + max(spec.depth for spec in specs), Stream()
    attentions = {spec.depth: spec for spec in specs if spec.kind == "attn"}
    groups = match_groups(specs, chosen, method.share)
    for spec, place, group in zip(chosen, places, groups, strict=True):
        info = SiteInfo(spec.name, spec.kind, spec.depth, blocks)
        if spec.kind == "model":
            sites.append(ModelSite(spec, info, method, group, sites, ledger))
        elif spec.kind == "stream":
            attention = attentions[spec.depth]
            sites.append(StreamSite(attention, spec, info, method, group, place, stream, ledger))
        else:
            sites.append(Site(spec, info, method, group, place, ledger))
    keys = {site.spec.module: site for site in sites if isinstance(site, Site) and site.info.kind == "kv"}
    for site in sites:
        if isinstance(site, Site) and site.info.kind == "attn":
            site.beside = keys.get(site.spec.module)
    return sites
