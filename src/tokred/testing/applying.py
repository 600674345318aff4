"""Where methods and families are applied: to tiny models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from tokred.engine.apply import apply_by
from tokred.engine.needs import offers_keys
from tokred.engine.run import Run
from tokred.errors import SpecError, TokredError, UnsupportedModel
from tokred.extras import extra
from tokred.family.description import Family
from tokred.family.sites import sites_of
from tokred.interfaces import SiteKind
from tokred.method import Keys, Method
from tokred.parts import Copy, Cosine, EveryStep, GridMatcher, Interval
from tokred.registry import family_of, registered_families, resolve
from tokred.testing.check import Specimen, Stage, demand
from tokred.testing.host import Host
from tokred.testing.scheduler import shortest_reducing


@dataclass(frozen=True)
class Application:
    """A method on a model through its family; one of the two is examined.

    Attributes:
        name: what messages call it.
        host: the model.
        method_of: gives the method, of what is examined.
        family_of: gives the family, of what is examined and a model.
        per_sample: whether the samples of a batch can keep different tokens.
        steps: as many as the method needs to reduce at the ratio that it is examined with.
    """

    name: str
    host: Host
    method_of: Callable[[Any], Method]
    family_of: Callable[[Any, nn.Module], Family | None]
    per_sample: bool
    steps: int

    def apply(self, part: Any, model: nn.Module) -> Run:
        """Apply the method to `model`."""
        return apply_by(model, self.method_of(part), lambda model: self.family_of(part, model))

    def generate(self, model: nn.Module, seed: int = 0) -> torch.Tensor:
        """Generate two samples, with the method or without."""
        return self.host.generate(model, seed, steps=self.steps)

    def stage(self) -> Stage:
        """Return the stage on which a fresh model is patched, generates three samples and is given back."""
        arguments = self.host.arguments(self.host.model(), seed=0, batch=3)

        def perform(part: Any, x: torch.Tensor, compiled: bool) -> torch.Tensor:
            model = self.host.model()
            run = self.apply(part, model)
            try:
                for block in self._blocks_to_compile(part, model, run) if compiled else ():
                    block.compile(fullgraph=True, backend="eager")
                return self.host.generate_from(model, arguments | {self.host.argument: x}, self.steps)
            finally:
                with suppress(TokredError):  # that removal works is a promise of its own
                    run.remove()

        return Stage(self.name, arguments[self.host.argument], perform, self.per_sample)

    def _blocks_to_compile(self, part: Any, model: nn.Module, run: Run) -> list[nn.Module]:
        """Return a block of each type, the first at which tokens are removed or after it: compiling takes its time."""
        self.generate(model)
        first = min((call.site.depth for call in run.report().calls if call.removed), default=0)
        family = self.family_of(part, model)
        blocks = [site for site in sites_of(family, model) if site.kind == "block"] if family else []
        return list({type(site.module): site.module for site in reversed(blocks) if site.depth >= first}.values())


def applications(specimen: Specimen, ratio: float = 0.5) -> list[Application]:
    """List where a specimen is applied; a family with a method of that ratio."""
    if specimen.kind == "method":
        return list(_of_method(specimen))
    return [made for host in hosts_of(specimen) for made in _of_family(specimen.make(), host, ratio)]


def hosts_of(specimen: Specimen) -> tuple[Host, ...]:
    """Return the models that a family is checked on; at least one."""
    demand(bool(specimen.hosts), "no model to check it on. Name tiny ones: Component(..., hosts='module:HOSTS').")
    return specimen.hosts


def kinds_of(family: Family, host: Host) -> list[SiteKind]:
    """List the kinds of site that a family offers and that tokens are reduced at."""
    offered = {site.kind for site in sites_of(family, host.model())}
    kinds: tuple[SiteKind, ...] = ("attn", "mlp", "block")
    return [kind for kind in kinds if kind in offered]


def keys_of(family: Family, host: Host) -> tuple[Keys, ...]:
    """List what kept queries of a family's attentions can attend to."""
    attentions = [site for site in sites_of(family, host.model()) if site.kind == "attn"]
    return ("kept", "full", "recovered") if attentions and all(map(offers_keys, attentions)) else ("kept",)


@cache
def method_hosts() -> tuple[Host, ...]:
    """Return the models that methods are checked on, on a grid that cells of 2 x 2 and of 4 x 4 divide.

    The first of the registered families' for each of their traits: called step by step or once, with pairs for each
    sample or for the batch. Families of libraries that are not installed have none.

    Raises:
        MissingPackage: if none is installed.
    """
    found: dict[tuple[bool, bool], Host] = {}
    for registered, family in registered_families():
        hosts = resolve(registered.component.hosts) if registered.component.hosts and _installed(family) else ()
        for host in hosts:
            found.setdefault((host.repeats, keeps_apart(family, host)), replace(host, grid=(8, 8)))
    if not found:
        with extra("bench"):
            import diffusers  # noqa: F401
    return tuple(found.values())


def _installed(family: Family) -> bool:
    return all(find_spec(model.partition(".")[0]) is not None for model in family.models)


def keeps_apart(family: Family, host: Host) -> bool:
    """Say whether the samples of a batch can keep different tokens."""
    return all(site.per_sample for site in sites_of(family, host.model()))


@lru_cache(maxsize=8)  # the checks of a method follow each other
def _of_method(specimen: Specimen) -> tuple[Application, ...]:
    """List the models that a method fits; at least one."""
    reasons, found = [], []
    for host in specimen.hosts or method_hosts():
        try:
            apply_by(host.model(), specimen.make(), family_of)
        except (SpecError, UnsupportedModel) as error:
            reasons.append(f"{host}: {error}")
        else:
            found.append(host)
    demand(bool(found), f"it fits none of the models that it is checked on. {' '.join(reasons)}")
    steps = shortest_reducing(specimen.make().scheduler)
    return tuple(
        Application(str(host), host, lambda part: part, lambda part, model: family_of(model), _apart(host), steps)
        for host in found
    )


@cache
def _apart(host: Host) -> bool:
    family = family_of(host.model())
    return family is None or keeps_apart(family, host)


def _of_family(family: Family, host: Host, ratio: float) -> Iterator[Application]:
    """Yield applications to the parts of blocks, and to whole blocks."""
    sites = sites_of(family, host.model())
    tries: tuple[tuple[SiteKind, ...], ...] = (("attn", "mlp"), ("block",))
    for tried in tries:
        kinds = tuple(kind for kind in tried if any(site.kind == kind for site in sites))
        if not kinds:
            continue
        examined, reducing = (Interval(share) if host.repeats else EveryStep(share) for share in (ratio, 0.5))
        method = Method(
            similarity=Cosine("input"), matcher=GridMatcher(), scheduler=examined, recovery=Copy(), sites=kinds
        )
        yield Application(
            f"{host}, {' and '.join(kinds)}",
            host,
            lambda part, method=method: method,  # type: ignore[misc]
            lambda part, model: part,
            all(site.per_sample for site in sites),
            shortest_reducing(reducing),
        )
