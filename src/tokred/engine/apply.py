"""Applying a method to a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from tokred.adapter import Adapter, SiteSpec
from tokred.engine.base_site import BaseSite
from tokred.engine.choose import choose, places_of
from tokred.engine.ledger import Ledger
from tokred.engine.model_site import ModelSite
from tokred.engine.needs import NEEDS
from tokred.engine.patch import PatchedForward, is_cached, is_patched
from tokred.engine.pipeline_steps import SchedulerSteps
from tokred.engine.run import Run
from tokred.engine.sharing import match_groups
from tokred.engine.site import Site
from tokred.engine.steps import ExplicitSteps, StepSource
from tokred.engine.stream import Stream, StreamSite
from tokred.engine.trained import refuse_misfits
from tokred.errors import ConflictError, UnsupportedModel
from tokred.interfaces import Place, SiteInfo
from tokred.method import Method
from tokred.registry import adapter_for, build_method

AnySite = Site | StreamSite | ModelSite


def apply(target: Any, method: str | Method, **params: Any) -> Run:
    """Apply a token-reduction method to a pipeline or a model.

    Args:
        target: a diffusers pipeline, a diffusers transformer or a timm model. A bare transformer needs
            `tokred.step(...)` around its calls, unless the method reuses nothing between steps.
        method: name of a registered method, a `Method`, or the path of a .json file that `save_method` wrote.
        **params: the named method's parameters; `tokred methods NAME` lists them.

    Returns:
        A `Run`: a context manager with `report()` and `remove()`.

    Raises:
        SpecError: if the method, or a parameter, is unknown or out of range.
        UnsupportedModel: if no adapter knows the model, or the family does not offer what the method asks for.
        ConflictError: if tokred or an enabled diffusers cache already patches the model.

    Example:
        >>> with tokred.apply(pipe, "dito", ratio=0.5) as run:  # doctest: +SKIP
        ...     image = pipe(prompt).images[0]
        ...     print(run.report())
    """
    return apply_by(target, build_method(method, params), adapter_for)


def apply_by(target: Any, method: Method, adapter_of: Callable[[nn.Module], Adapter]) -> Run:
    """Apply a method to a pipeline or a model through the adapter that `adapter_of` finds for it, see `apply`."""
    model = _model_of(target)
    _refuse_conflicts(model)
    adapter = adapter_of(model)
    if method.scheduler.reuses and not adapter.repeats:
        raise UnsupportedModel(
            f"{method.name} reuses correspondences from step to step, and {type(model).__name__} is called once per "
            "picture. Use a method that matches in every call, such as 'tomesd'."
        )
    specs = adapter.sites(model)
    chosen = choose(specs, method, model)
    places = places_of(specs, chosen, method)
    for need in NEEDS:
        need.refuse(chosen, places, method)
    refuse_misfits(specs, chosen, method)
    ledger = Ledger()
    return _install(target, adapter, method, _sites(adapter, method, specs, chosen, places, ledger), model, ledger)


def _model_of(target: Any) -> nn.Module:
    """Return the model that `target` is or holds."""
    model = target if isinstance(target, nn.Module) else getattr(target, "transformer", None)
    if not isinstance(model, nn.Module):
        raise UnsupportedModel(
            f"{type(target).__name__} is neither a model nor a pipeline with a `transformer`. Pass the pipeline, its "
            "transformer or a timm model; `tokred models` lists the classes that are known."
        )
    return model


def _refuse_conflicts(model: nn.Module) -> None:
    name = type(model).__name__
    if hasattr(model, "_orig_mod") or getattr(model, "_compiled_call_impl", None) is not None:
        raise ConflictError(f"This {name} is compiled already. Call tokred.apply() first, then compile the model.")
    for module in model.modules():
        if is_patched(module):
            raise ConflictError(f"tokred is already applied to this {name}. Call remove() on its run first.")
        if is_cached(module):
            raise ConflictError(
                f"A diffusers cache is enabled on this {name}, and would store reduced tokens. Call disable_cache() "
                "first, then tokred.apply(), then enable_cache()."
            )


def _step_source(target: Any, adapter: Adapter, method: Method) -> StepSource:
    if hasattr(target, "scheduler") and adapter.repeats:
        return SchedulerSteps(target)
    return ExplicitSteps(alone=not method.scheduler.reuses)


def _sites(
    adapter: Adapter,
    method: Method,
    specs: Sequence[SiteSpec],
    chosen: Sequence[SiteSpec],
    places: Sequence[Place],
    ledger: Ledger,
) -> list[AnySite]:
    """Make the sites; the model is left as it is."""
    sites: list[AnySite] = []
    blocks, stream = 1 + max(spec.depth for spec in specs), Stream()
    attentions = {spec.depth: spec for spec in specs if spec.kind == "attn"}
    groups = match_groups(specs, chosen, method.share)
    for spec, place, group in zip(chosen, places, groups, strict=True):
        info = SiteInfo(spec.name, spec.kind, spec.depth, blocks)
        if spec.kind == "model":
            sites.append(ModelSite(spec, info, method, group, adapter.picture, sites))
        elif spec.kind == "stream":
            attention = attentions[spec.depth]
            sites.append(StreamSite(attention, spec, info, method, group, place, stream, ledger.ran_dense))
        else:
            sites.append(Site(spec, info, method, group, place, ledger.ran_dense))
    return sites


def _install(
    target: Any, adapter: Adapter, method: Method, sites: list[AnySite], model: nn.Module, ledger: Ledger
) -> Run:
    """Put everything in place that stands around a module; nothing has been changed before this."""
    from tokred.engine.planner import CallPlanner  # these two import torch._dynamo, which takes a second
    from tokred.engine.timing import CallTimer

    stands = sorted((stand for site in sites for stand in site.stands), key=lambda stand: stand.layer)
    inner = {stand.module for stand in stands if not isinstance(stand.around, BaseSite)}
    names = {name: module for name, module in model.named_modules() if module in inner}
    steps = _step_source(target, adapter, method)
    planner, timer = CallPlanner(model, adapter, method, sites, steps, ledger, names), CallTimer(ledger)
    patches = [PatchedForward(stand.module, stand.around) for stand in stands]
    for patch in patches:
        patch.install()
    hooks = [
        adapter.entry(model).register_forward_pre_hook(planner, with_kwargs=True),
        model.register_forward_pre_hook(timer.before),
        model.register_forward_hook(timer.after),
        model.register_forward_hook(planner.after),
    ]
    return Run(model, method, sites, ledger, patches, [steps.detach, *(hook.remove for hook in hooks)])
