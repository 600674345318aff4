"""Promises of an adapter, tried on the tiny models that its component names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tokred.adapter import Adapter, SiteSpec
from tokred.engine.apply import apply_by
from tokred.engine.arguments import Arguments, argument_names
from tokred.interfaces import SITE_KINDS
from tokred.layout import Layout
from tokred.method import Method
from tokred.parts import Copy, Cosine, EveryStep
from tokred.testing.applying import hosts_of, kinds_of
from tokred.testing.check import Specimen, demand
from tokred.testing.host import Host
from tokred.testing.rearranging import AnyOrder, Neighbours
from tokred.testing.tolerance import assert_same_computation


def describes_its_model(specimen: Specimen) -> None:
    """It knows its own classes and no others, and names sites whose modules are called with the tokens it says."""
    for host in hosts_of(specimen):
        adapter, model = specimen.make(), host.model()
        demand(bool(adapter.matches(model)), f"{host}: it does not match its own model.")
        demand(not adapter.matches(nn.Linear(1, 1)), "it matches a torch.nn.Linear.")
        known = {kind.__name__ for kind in type(model).__mro__} & set(adapter.models)
        demand(bool(known), f"{host}: {type(model).__name__} is not among its `models`, {adapter.models}.")
        demand(adapter.repeats == host.repeats, f"{host}: repeats={adapter.repeats}, and the host says {host.repeats}.")
        calls = _watch(host, model, adapter)
        sites = adapter.sites(model)
        demand(bool(sites), f"{host}: it lists no sites.")
        for site in sites:
            _demand_true_site(host, model, site, calls)


def _watch(host: Host, model: nn.Module, adapter: Adapter) -> dict[str, Any]:
    """Call the model once; return its layout, and the shape of each site's tokens by the site's name."""
    seen: dict[str, Any] = {}

    def at_entry(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen["layout"] = adapter.layout(model, Arguments(argument_names(module), args, kwargs))

    def at_site(site: SiteSpec) -> Callable[..., None]:
        def note(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            call = Arguments(argument_names(module), args, kwargs)
            demand(call.get(site.tokens) is not None, f"{host}: {site.name} is called without {site.tokens!r}.")
            seen[site.name] = tuple(call[site.tokens].shape)

        return note

    hooks = [adapter.entry(model).register_forward_pre_hook(at_entry, with_kwargs=True)]
    hooks += [s.module.register_forward_pre_hook(at_site(s), with_kwargs=True) for s in adapter.sites(model)]
    host.call(model)
    for hook in hooks:
        hook.remove()
    return seen


def _demand_true_site(host: Host, model: nn.Module, site: SiteSpec, calls: dict[str, Any]) -> None:
    demand("layout" in calls, f"{host}: the entry was not called.")
    what, layout = f"{host}: {site.name}", calls["layout"]
    demand(site.kind in SITE_KINDS, f"{what} is of kind {site.kind!r}, not {', '.join(SITE_KINDS)}.")
    if site.kind == "model":  # it is skipped and not reduced: its input needs no row per token
        demand(site.module is model, f"{what} is a {type(site.module).__name__}, not the model itself.")
        return
    demand(dict(model.named_modules()).get(site.name) is site.module, f"{what} is not the name of its module.")
    demand(site.name in calls, f"{what} was not called.")
    wanted = (2, site.lead(layout) + layout.image)
    demand(calls[site.name][:2] == wanted, f"{what} is called with tokens {calls[site.name]}, not {(*wanted, 'C')}.")


def order_of_tokens_does_not_matter(specimen: Specimen) -> None:
    """Computing all tokens in another order changes nothing: what belongs to a token travels with it."""
    for host in hosts_of(specimen):
        for kind in kinds_of(specimen.make(), host):
            for keys in host.keys if kind == "attn" else ("kept",):
                method = _all_tokens(AnyOrder(), kind, keys)
                _demand_as_dense(f"{host}, {kind}, keys={keys}", host, specimen, method)


def duplicates_merge_without_loss(specimen: Specimen) -> None:
    """Where every second token is the double of its neighbour, computing one of the two changes nothing."""
    for host in hosts_of(specimen):
        for kind in kinds_of(specimen.make(), host):
            sites = [site for site in specimen.make().sites(host.model()) if site.kind == kind]
            alone = all(kind == "mlp" or site.company == "none" for site in sites)
            keys = "kept" if alone else "full" if kind == "attn" and "full" in host.keys else None
            if keys is not None:  # else what is merged counts less beside text and prefix tokens
                _demand_as_dense(f"{host}, {kind}", host, specimen, _all_tokens(Neighbours(), kind, keys), doubled=True)


def _demand_as_dense(what: str, host: Host, specimen: Specimen, method: Method, doubled: bool = False) -> None:
    """Demand that a call with `method` computes what it does without, with tokens `doubled` at its sites or not."""
    model = host.model()
    hooks = _double(specimen.make(), model, method) if doubled else []
    dense = host.call(model)
    run = apply_by(model, method, lambda model: specimen.make())
    reduced = host.call(model)
    demand(all(call.removed for call in run.report().calls), f"{what}: some sites did not reduce.")
    for hook in hooks:
        hook.remove()
    try:
        assert_same_computation(reduced, dense)
    except AssertionError as error:
        raise AssertionError(f"{what}: the output is another. {error}") from None


def _double(adapter: Adapter, model: nn.Module, method: Method) -> list[Any]:
    """Make each site of the method's kind see every second token twice; return the hooks.

    What else has a row per token is the same in all rows, so that nothing but the tokens matters.
    """
    layouts: list[Layout] = []

    def note(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        layouts[:] = [adapter.layout(model, Arguments(argument_names(module), args, kwargs))]

    def doubling(site: SiteSpec) -> Callable[..., Any]:
        names = argument_names(site.module)

        def double(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            call, image, lead = Arguments(names, args, kwargs), layouts[0].image, site.lead(layouts[0])
            position = torch.arange(lead + image)
            second = (position > lead) & ((position - lead) % 2 == 1)
            for name, value in list(call.items()):
                if name == site.tokens:
                    call[name] = value[:, position - second.long()]
                else:
                    call[name] = _levelled(value, {image, image + site.companions(layouts[0])})
            return tuple(call.args), call.kwargs

        return double

    hooks = [adapter.entry(model).register_forward_pre_hook(note, with_kwargs=True)]
    chosen = [site for site in adapter.sites(model) if site.kind in method.sites]
    return hooks + [s.module.register_forward_pre_hook(doubling(s), with_kwargs=True) for s in chosen]


def _levelled(value: Any, lengths: set[int]) -> Any:
    """Give all rows along axes of such lengths the values of the first row."""
    if isinstance(value, tuple):
        return tuple(_levelled(item, lengths) for item in value)
    if isinstance(value, torch.Tensor):
        for axis in range(value.ndim):
            if value.shape[axis] in lengths:
                value = value.narrow(axis, 0, 1).expand_as(value)
    return value


def _all_tokens(matcher: Any, kind: Any, keys: Any) -> Method:
    """Return a method that computes what `matcher` says at every site of a kind."""
    return Method(
        similarity=Cosine(), matcher=matcher, scheduler=EveryStep(0.5), recovery=Copy(), sites=(kind,), keys=keys
    )
