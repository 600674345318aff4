"""Promises of a family's description, tried on the tiny models that its component names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import torch
from torch import nn

from tokred.arguments import Arguments, argument_names
from tokred.engine.apply import apply_by
from tokred.engine.rows import tensors_in
from tokred.engine.steps import step
from tokred.family.description import Family
from tokred.family.layouts import entry_of, layout_of
from tokred.family.site import SiteSpec
from tokred.family.sites import sites_of
from tokred.family.spans import lead
from tokred.interfaces import Matcher, SiteKind
from tokred.layout import Layout
from tokred.method import Keys, Method
from tokred.parts import Cached, Copy, Cosine, EveryStep, Interval, RandomMatcher, Stages
from tokred.registry import registered_name
from tokred.testing.applying import hosts_of, keys_of, kinds_of
from tokred.testing.check import Specimen, demand
from tokred.testing.host import Host
from tokred.testing.places import misplaced_tokens
from tokred.testing.rearranging import AnyOrder, Kept, Neighbours
from tokred.testing.tokenwise import misplaced_in_mlps
from tokred.testing.tolerance import assert_same_computation
from tokred.testing.truth import untrue_lines


def describes_its_model(specimen: Specimen) -> None:
    """Every line of it is true of its models, with texts shorter and longer than the picture."""
    for host in hosts_of(specimen):
        family, model = specimen.make(), host.model()
        names = {registered_name(kind) for kind in type(model).__mro__}
        demand(bool(names & set(family.models)), f"{host}: {type(model).__name__} is not among {family.models}.")
        demand(family.repeats == host.repeats, f"{host}: repeats={family.repeats}, and the host says {host.repeats}.")
        offered = keys_of(family, host)
        demand(set(host.keys) <= set(offered), f"{host}: its attentions offer keys {offered}, not {host.keys}.")
        misplaced = list(misplaced_in_mlps(family, model, host))
        demand(not misplaced, f"{host}: {' '.join(misplaced)}")
        for batch, text in _calls(host):
            untrue = untrue_lines(family, model, partial(host.call, model, 0, batch, text=text))
            demand(not untrue, f"{host}: {' '.join(untrue[:3])}")
        misplaced = misplaced_tokens(family, model, host)
        demand(not misplaced, f"{host}: {' '.join(misplaced)}")


def rotary_tables_last(specimen: Specimen) -> None:
    """What it names as rotary tables is the same in all calls of a generation, being gathered once for a match."""
    for host in hosts_of(specimen):
        family, model = specimen.make(), host.model()
        sites = [site for site in sites_of(family, model) if site.travel.lasting]
        first, later = (_tables(sites, model, host, seed, time) for seed, time in ((0, 0.9), (1, 0.2)))
        changed = {name for name, tables in first.items() if not all(map(torch.equal, tables, later[name]))}
        demand(not changed, f"{host}: rotary={sorted(changed)} changes with the picture or the time.")


def _tables(sites: list[SiteSpec], model: nn.Module, host: Host, seed: int, time: float) -> dict[str, list[Any]]:
    """Return the rotary tables of a call, by site and argument; `seed` and `time` are those of the picture."""
    seen: dict[str, list[Any]] = {}

    def note(site: SiteSpec, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        call = Arguments(argument_names(module), args, kwargs)
        seen.update({f"{site.name}: {name}": tensors_in(call.get(name)) for name in site.travel.lasting})

    hooks = [site.module.register_forward_pre_hook(partial(note, site), with_kwargs=True) for site in sites]
    picture = {host.argument: host.arguments(model, seed)[host.argument]}
    with step(0, 1), torch.no_grad():
        host.run(model, host.arguments(model, 0) | picture, time)
    for hook in hooks:
        hook.remove()
    return seen


def order_of_tokens_does_not_matter(specimen: Specimen) -> None:
    """Computing all tokens in another order changes nothing: what belongs to a token travels with it."""
    for host in hosts_of(specimen):
        for kind in kinds_of(specimen.make(), host):
            for keys in host.keys if kind == "attn" else ("kept",):
                for batch, text in _calls(host):
                    method = _all_tokens(AnyOrder(), (kind,), keys)  # type: ignore[arg-type]
                    _demand_as_dense(f"{host}, {kind}, keys={keys}", host, specimen, method, batch, text)
        if "full" in host.keys:
            for sites, keys in ((("kv",), "kept"), (("attn", "kv"), "full")):
                method = _all_tokens(AnyOrder(), sites, keys)  # type: ignore[arg-type]
                _demand_as_dense(f"{host}, {' and '.join(sites)}", host, specimen, method, 2, host.text)
        if _shortens(specimen.make(), host):
            in_order, shuffled = (_shortened(host, specimen, Kept(shuffled)) for shuffled in (False, True))
            try:
                assert_same_computation(shuffled, in_order)
            except AssertionError as error:
                raise AssertionError(f"{host}, what is left in another order: the output is another. {error}") from None


def _shortens(family: Family, host: Host) -> bool:
    """Say whether tokens can be removed for good."""
    blocks = [site for site in sites_of(family, host.model()) if site.kind == "block"]
    return bool(blocks) and all(site.stream for site in blocks)


def _shortened(host: Host, specimen: Specimen, matcher: Matcher) -> torch.Tensor:
    """Call a fresh model that goes on from its first block with the tokens that `matcher` keeps."""
    model, family = host.model(), specimen.make()
    method = replace(_all_tokens(matcher, ("stream",), "kept"), scheduler=Stages(0.5, (0.0,)))
    run = apply_by(model, method, lambda model: family)
    output = host.call(model, batch=3)
    demand(all(call.removed for call in run.report().calls[1:]), f"{host}: some blocks did not go on with fewer.")
    return output


def duplicates_merge_without_loss(specimen: Specimen) -> None:
    """Where every second token is the double of its neighbour, computing one of the two changes nothing."""
    for host in hosts_of(specimen):
        for kind in kinds_of(specimen.make(), host):
            sites = [site for site in sites_of(specimen.make(), host.model()) if site.kind == kind]
            alone = all(kind == "mlp" or not site.call.context for site in sites)
            tried: list[Keys] = ["kept"] if alone else []  # else what is merged counts less beside text and prefix
            if kind == "attn" and "full" in host.keys:
                tried.append("full")
            for keys in tried:
                method = _all_tokens(Neighbours(), (kind,), keys)
                where = f"{host}, {kind}, keys={keys}"
                _demand_as_dense(where, host, specimen, method, 2, host.text, doubled=True)


def a_skipped_step_is_carried_on(specimen: Specimen) -> None:
    """A call that is skipped returns what the one before it returned, whatever that is made of."""
    for host in hosts_of(specimen):
        if not host.repeats:
            continue
        model, family = host.model(), specimen.make()
        arguments = host.arguments(model, seed=0)
        with torch.no_grad():
            first = host.run(model, arguments, 1.0)
        expected = arguments[host.argument] - first / 2 - first / 2
        run = apply_by(model, _skipping(), lambda model, family=family: family)  # type: ignore[misc]
        drawn = host.generate_from(model, arguments, steps=2)
        demand(run.report().compute == 0.5, f"{host}: {run.report().compute:.0%} of two calls were computed, not one.")
        demand(bool(torch.equal(drawn, expected)), f"{host}: a skipped call did not return what the one before it did.")


def _skipping() -> Method:
    """Return a method that calls the model at every other step."""
    return Method(
        similarity=Cosine(),
        matcher=RandomMatcher(),
        scheduler=Interval(1.0, interval=2, dense_first=1),
        recovery=Cached(),
        sites=("model",),
    )


def _calls(host: Host) -> Iterator[tuple[int, int]]:
    """Yield batch sizes and numbers of text tokens: fewer, as many and more than the picture has."""
    yield 2, host.text
    if host.text:
        yield 1, prod(host.grid)
        yield 3, prod(host.grid) + 3


def _demand_as_dense(
    what: str, host: Host, specimen: Specimen, method: Method, batch: int, text: int, doubled: bool = False
) -> None:
    """Demand that a call with `method` computes what it does without, with tokens `doubled` at its sites or not."""
    model, family = host.model(), specimen.make()
    hooks = _double(family, model, method) if doubled else []
    dense = host.call(model, 0, batch, text=text)
    run = apply_by(model, method, lambda model: family)
    reduced = host.call(model, 0, batch, text=text)
    demand(all(call.removed for call in run.report().calls), f"{what}: some sites did not reduce.")
    for hook in hooks:
        hook.remove()
    try:
        assert_same_computation(reduced, dense, host.rounded)
    except AssertionError as error:
        raise AssertionError(f"{what}, batch {batch}, {text} text tokens: the output is another. {error}") from None


def _double(family: Family, model: nn.Module, method: Method) -> list[Any]:
    """Make each site of the method's kind see every second token twice; return the hooks.

    What else has a row per token is the same in all rows, so that nothing but the tokens matters.
    """
    layouts: list[Layout] = []

    def note(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        layouts[:] = [layout_of(family, model, Arguments(argument_names(module), args, kwargs))]

    def doubling(site: SiteSpec) -> Callable[..., Any]:
        names = argument_names(site.module)

        def double(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            call, layout = Arguments(names, args, kwargs), site.layout(layouts[0])
            tokens = call[site.call.tokens]
            before = lead(site.call.order, tokens.shape[1], layout.image, layout.prefix)
            position = torch.arange(tokens.shape[1])
            inside = (position > before) & (position < before + layout.image)
            second = inside & ((position - before) % 2 == 1)
            doubled = tokens[:, position - second.long()]
            for name, value in list(call.items()):
                if value is tokens:
                    call[name] = doubled
                else:
                    call[name] = _levelled(value, {layout.image, layout.image + site.context(layout), tokens.shape[1]})
            return tuple(call.args), call.kwargs

        return double

    hooks = [entry_of(family, model).register_forward_pre_hook(note, with_kwargs=True)]
    chosen = [site for site in sites_of(family, model) if site.kind in method.sites]
    return hooks + [s.module.register_forward_pre_hook(doubling(s), with_kwargs=True) for s in chosen]


def _levelled(value: Any, lengths: set[int]) -> Any:
    """Give all rows along axes of such lengths the values of the first row."""
    if isinstance(value, (tuple, list)):
        return type(value)([_levelled(item, lengths) for item in value])
    if isinstance(value, torch.Tensor):
        for axis in range(value.ndim):
            if value.shape[axis] in lengths:
                value = value.narrow(axis, 0, 1).expand_as(value)
    return value


def _all_tokens(matcher: Matcher, sites: tuple[SiteKind, ...], keys: Keys) -> Method:
    """Return a method that computes what `matcher` says at every site of some kinds."""
    return Method(
        similarity=Cosine(), matcher=matcher, scheduler=EveryStep(0.5), recovery=Copy(), sites=sites, keys=keys
    )
