"""Applying a method to a model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from tokred.adapter import Adapter, ClassToken, Cost, SiteSpec
from tokred.engine.arguments import argument_names
from tokred.engine.class_tap import CLASS_SIGNALS, ClassTap
from tokred.engine.keys import KeyFeed, NormFeed
from tokred.engine.model_site import ModelSite
from tokred.engine.patch import Around, PatchedForward, is_cached, is_patched
from tokred.engine.pipeline_steps import SchedulerSteps
from tokred.engine.rotary import RotaryFeeds
from tokred.engine.sharing import match_groups
from tokred.engine.site import Site
from tokred.engine.steps import ExplicitSteps, StepSource
from tokred.engine.stream import Stream, StreamSite
from tokred.engine.taps import BlockTap, Held, KeyTap
from tokred.engine.trained import refuse_misfits
from tokred.errors import ConflictError, SpecError, UnsupportedModel
from tokred.interfaces import OF_ATTENTION, Signal, SiteInfo, SiteKind
from tokred.method import Method, remembers
from tokred.registry import adapter_for, build_method
from tokred.report import Ledger
from tokred.run import Run


def apply(target: Any, method: str | Method, **params: Any) -> Run:
    """Apply a token-reduction method to a pipeline or a model.

    Args:
        target: a diffusers pipeline, a diffusers transformer or a timm model. A bare transformer needs
            `tokred.step(...)` around its calls, unless the method reuses nothing between steps.
        method: name of a registered method, a `Method`, or the path of a .json file that `Method.save` wrote.
        **params: the named method's parameters; `tokred methods NAME` lists them.

    Returns:
        A `Run`: a context manager with `report()` and `remove()`.

    Raises:
        SpecError: if the method, or a parameter, is unknown or out of range.
        UnsupportedModel: if no adapter knows the model, or the family does not offer what the method asks for.
        ConflictError: if tokred or an enabled diffusers cache already patches the model.

    Examples:
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
    chosen = _choose(specs, method, model)
    _refuse_keys(chosen, method)
    _refuse_weighted_keys(chosen, method)
    _refuse_kv(chosen, method)
    _refuse_signal(chosen, method)
    _refuse_memory(chosen, method)
    refuse_misfits(specs, chosen, method)
    return _install(target, model, adapter, method, specs, chosen)


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


def _choose(specs: Sequence[SiteSpec], method: Method, model: nn.Module) -> list[SiteSpec]:
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


def _kinds(block: list[SiteSpec], method: Method) -> set[SiteKind]:
    """Return the kinds of site to use in a block; a parallel block stands for its "attn" and "mlp" together."""
    offered, wanted = {spec.kind for spec in block}, set(method.sites)
    if wanted >= {"attn", "mlp"} and "mlp" not in offered:
        return wanted - {"attn", "mlp"} | {"block"}
    return wanted


def _with_kv_sites(block: list[SiteSpec], method: Method) -> list[SiteSpec]:
    """Add the attentions of a block as sites whose keys and values alone are reduced.

    Where queries are reduced beside them, each of the two has its own part of the attention's cost.
    """
    attentions = [spec for spec in block if spec.kind == "attn"]
    if not {"attn", "kv"} <= set(method.sites):
        return [*block, *(replace(spec, kind="kv") for spec in attentions)]
    queries = [replace(spec, cost=Cost(spec.cost.query)) if spec.kind == "attn" else spec for spec in block]
    keys = [replace(spec, kind="kv", name=f"{spec.name}.kv", cost=replace(spec.cost, query=0.0)) for spec in attentions]
    return [*queries, *keys]


def _stream_sites(block: list[SiteSpec]) -> list[SiteSpec]:
    """Return a block from its MLP on as a site, where it can be called half by half."""
    mlps = {spec.depth: spec for spec in block if spec.kind == "mlp"}
    return [
        replace(spec, kind="stream", name=mlps[spec.depth].name, cost=mlps[spec.depth].cost)
        for spec in block
        if spec.kind == "block" and spec.halves is not None
    ]


def _refuse_keys(chosen: list[SiteSpec], method: Method) -> None:
    attending = [spec for spec in chosen if spec.kind in ("attn", "block")]
    without = [spec.name for spec in attending if not spec.key_modules]
    if method.keys != "kept" and without:
        raise SpecError(
            f"keys={method.keys!r} is not offered at {len(without)} of the chosen sites, such as {without[0]}: its "
            "keys and values are not made by modules of their own. Use keys='kept'."
        )


def _refuse_weighted_keys(chosen: list[SiteSpec], method: Method) -> None:
    without = [spec.name for spec in chosen if spec.bias is None]
    if method.keys == "weighted" and without:
        raise SpecError(
            f"keys='weighted' is not offered at {len(without)} of the chosen sites, such as {without[0]}: its block "
            "takes no tensor that is added to the attention's logits. Use keys='kept'."
        )


def _refuse_kv(chosen: list[SiteSpec], method: Method) -> None:
    without = [spec.name for spec in chosen if spec.kind == "kv" and (spec.rotary or not spec.key_modules)]
    if without:
        raise SpecError(
            f"sites={method.sites!r}: 'kv' is not offered at {len(without)} attentions, such as {without[0]}: its keys "
            "and values are not made by modules of their own, or carry rotary positions. Use a method of other sites, "
            "such as 'tomesd'."
        )


def _refuse_signal(chosen: list[SiteSpec], method: Method) -> None:
    signal = method.similarity.signal
    without = [spec.name for spec in chosen if spec.kind != "model" and not _offers(spec, signal)]
    if without:
        missing = f"no module of the block returns the {'value' if signal == 'value' else 'key'}s"
        if signal in CLASS_SIGNALS:
            missing = "the model has no class token"
        if signal == "projection":
            missing = "it has no such projection alone"
        raise SpecError(
            f"signal={signal!r} is not offered at {len(without)} of the chosen sites, such as {without[0]}: {missing}. "
            "Use another signal."
        )


def _offers(spec: SiteSpec, signal: Signal) -> bool:
    """Say whether a site's adapter names the modules that a signal comes from."""
    if signal == "projection":
        return spec.kind == "kv" or (spec.kind == "attn" and spec.query_module is not None)
    if signal in CLASS_SIGNALS:
        return spec.class_token is not None
    return signal not in OF_ATTENTION or _made_by(spec, signal) is not None


def _made_by(spec: SiteSpec, signal: Signal) -> nn.Module | None:
    """Return the module that makes the keys of a site's block, or its values."""
    return spec.value_output if signal == "value" else spec.key_output


def _refuse_memory(chosen: list[SiteSpec], method: Method) -> None:
    without = [spec.name for spec in chosen if not spec.width]
    if without and (remembers(method.recovery) or method.similarity.signal == "drift"):
        raise SpecError(
            f"{method.name} remembers outputs, and the adapter does not say how many channels those of {without[0]} "
            "have. Add `width` to its site."
        )


def _step_source(target: Any, adapter: Adapter, method: Method) -> StepSource:
    if hasattr(target, "scheduler") and adapter.repeats:
        return SchedulerSteps(target)
    return ExplicitSteps(alone=not method.scheduler.reuses)


def _install(
    target: Any, model: nn.Module, adapter: Adapter, method: Method, specs: Sequence[SiteSpec], chosen: list[SiteSpec]
) -> Run:
    """Patch the chosen sites; nothing has been changed before this."""
    from tokred.engine.planner import CallPlanner  # these two import torch._dynamo, which takes a second
    from tokred.engine.timing import CallTimer

    ledger = Ledger()
    sites: list[Site | StreamSite | ModelSite] = []
    patches: list[PatchedForward] = []
    inner: set[nn.Module] = set()
    blocks, stream = 1 + max(spec.depth for spec in specs), Stream()
    attentions = {spec.depth: spec for spec in specs if spec.kind == "attn"}
    for spec, group in zip(chosen, match_groups(specs, chosen, method.share), strict=True):
        info = SiteInfo(spec.name, spec.kind, spec.depth, blocks)
        if spec.kind == "model":
            sites.append(ModelSite(spec, info, method, group, adapter.picture, sites))
            patches.append(PatchedForward(model, sites[-1]))
            continue
        if spec.kind == "stream":
            held = Held() if _is_held(method, spec) else None
            site = StreamSite(attentions[spec.depth], spec, info, method, group, stream, held, ledger.ran_dense)
            sites.append(site)
            patches += [PatchedForward(spec.module, site)]
            patches += [PatchedForward(module, stand) for module, stand in site.around.items()]
            inner |= site.around.keys()
            continue
        others = method.keys != "kept" and bool(spec.key_modules)
        feeds = {module: KeyFeed() for module in spec.key_modules if others or spec.kind == "kv"}
        rotary = RotaryFeeds(spec.rotary) if others and spec.rotary else None
        norm = NormFeed() if others and spec.key_norm else None
        held = Held() if _is_held(method, spec) else None
        sites.append(Site(spec, info, method, group, held, tuple(feeds.values()), rotary, norm, ledger.ran_dense))
        patches += [PatchedForward(spec.module, sites[-1])]
        around: dict[nn.Module, Around] = {**feeds, **(rotary.around if rotary else {})}
        if norm is not None and spec.key_norm is not None:
            around[spec.key_norm] = norm
        fed = [PatchedForward(module, feed) for module, feed in around.items()]
        # An attention asks for the keys of all tokens, and a "kv" site beside it then lets some of them through.
        patches = [*fed, *patches] if spec.kind == "kv" else [*patches, *fed]
        inner |= around.keys()
    taps = _taps(specs, sites, method)
    patches[:0] = [PatchedForward(module, tap) for module, tap in taps]  # within the sites: they see what these pass on
    inner |= {module for module, _ in taps}
    steps = _step_source(target, adapter, method)
    names = {name: module for name, module in model.named_modules() if module in inner}
    planner, timer = CallPlanner(model, adapter, method, sites, steps, ledger, names), CallTimer(ledger)
    for patch in patches:
        patch.install()
    hooks = [
        adapter.entry(model).register_forward_pre_hook(planner, with_kwargs=True),
        model.register_forward_pre_hook(timer.before),
        model.register_forward_hook(timer.after),
        model.register_forward_hook(planner.after),
    ]
    return Run(model, method, sites, ledger, patches, [steps.detach, *(hook.remove for hook in hooks)])


def _is_held(method: Method, spec: SiteSpec) -> bool:
    """Say whether a site compares features from elsewhere than its own call; a whole block's input is no such."""
    signal, whole = method.similarity.signal, spec.kind in ("block", "stream")
    return signal in (*OF_ATTENTION, "model_output") or (signal == "block_input" and not whole)


def _taps(
    specs: Sequence[SiteSpec], sites: Sequence[Site | StreamSite | ModelSite], method: Method
) -> list[tuple[nn.Module, Around]]:
    """Make what offers the sites' features: one tap for each block, or for each module that makes keys."""
    if method.follows_model:
        return []  # the model's own site offers what it returned
    waiting: dict[nn.Module, list[Held]] = defaultdict(list)
    if method.similarity.signal in CLASS_SIGNALS:
        return _class_taps(sites, method.similarity.signal)
    if method.similarity.signal in OF_ATTENTION:
        for site in sites:
            module = _made_by(site.spec, method.similarity.signal)
            if site.held is not None and module is not None:
                waiting[module].append(site.held)
        return [(module, KeyTap(tuple(held))) for module, held in waiting.items()]
    blocks = {spec.depth: spec for spec in specs if spec.kind == "block"}
    for site in sites:
        if site.held is not None:
            waiting[blocks[site.spec.depth].module].append(site.held)
    return [
        (spec.module, BlockTap(argument_names(spec.module), spec.tokens, tuple(waiting[spec.module])))
        for spec in blocks.values()
        if spec.module in waiting
    ]


def _class_taps(sites: Sequence[Site | StreamSite | ModelSite], signal: Signal) -> list[tuple[nn.Module, Around]]:
    """Make what offers each block's class token's attention; an attention is stood around after what is in it."""
    waiting: dict[ClassToken, list[Held]] = defaultdict(list)
    for site in sites:
        if site.held is not None and site.spec.class_token is not None:
            waiting[site.spec.class_token].append(site.held)
    taps = [ClassTap(token, signal, tuple(held)) for token, held in waiting.items()]
    return [pair for tap in taps for pair in tap.around.items()]
