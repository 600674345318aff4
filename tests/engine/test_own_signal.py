"""A signal that the core does not know of, in one class: at work, by its name, in a file, and refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from families.models import BY_NAME, Family, sites_of
from torch import nn

import tokred
from tokred import (
    Component,
    Layout,
    Method,
    Place,
    Probe,
    Reduction,
    Signal,
    Similarity,
    SiteKind,
    SpecError,
    UnknownName,
    parts,
    read_method,
    save_method,
)
from tokred.interfaces import Around, Forward, Memory, MemorySpec, Time
from tokred.registry import Provider, Registered, build_method, build_part, default_registry

DIT = BY_NAME["dit"]
pytestmark = pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")


class Moved(Signal):
    """What the input of a site's block changed by since the last dense call."""

    name = "moved"
    needs_past = True
    remembers = True

    def missing(self, place: Place) -> str:
        """See `Signal`."""
        return "a block has no block around it" if place.kind == "block" else ""

    def probe(self, place: Place) -> Probe:
        """See `Signal`."""
        return MovedProbe(place)


class MovedProbe(Probe):
    """Notes what the block is called with."""

    def __init__(self, place: Place) -> None:
        self.block, self.wanted = place.block, False

    @property
    def around(self) -> dict[nn.Module, Around]:
        """See `Probe`."""
        return {self.block: self.look}

    def state_spec(self, shape: tuple[int, int, int]) -> MemorySpec:
        """See `Probe`."""
        return {"last": shape}

    def expect(self, wanted: bool) -> None:
        """See `Probe`."""
        self.wanted = wanted

    def look(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Note the block's tokens."""
        if self.wanted:
            self.now = args[0]
        return forward(*args, **kwargs)

    def features(
        self, tokens: torch.Tensor, output: torch.Tensor | None, memories: Mapping[str, Memory], time: Time
    ) -> torch.Tensor:
        """See `Probe`."""
        return self.now - memories["signal"]["last"]

    def observe(self, output: torch.Tensor, memory: Memory) -> None:
        """See `Probe`."""
        memory["last"].copy_(self.now)


class Watching(parts.GridMatcher):
    """Notes the features that it is given."""

    seen: ClassVar[list[torch.Tensor]] = []

    def match(self, features: torch.Tensor, *rest: Any) -> Reduction:
        """See `Matcher`."""
        self.seen.append(features.clone())
        return super().match(features, *rest)


def using(similarity: Similarity, sites: tuple[SiteKind, ...] = ("attn",)) -> Method:
    schedule = parts.Interval(0.5, interval=2, dense_first=2)
    return Method(similarity=similarity, matcher=Watching(), scheduler=schedule, recovery=parts.Copy(), sites=sites)


def inputs_of_blocks(model: nn.Module) -> list[torch.Tensor]:
    """Return what the blocks are called with in two steps, one after the other."""
    calls: list[torch.Tensor] = []
    blocks = [site.module for site in sites_of(model, "block")]
    hooks = [block.register_forward_pre_hook(lambda _, args: calls.append(args[0].clone())) for block in blocks]
    DIT.generate(model, steps=2)
    for hook in hooks:
        hook.remove()
    return calls


@pytest.mark.parametrize("family", [DIT], ids=str)
def test_it_gives_the_features(family: Family, model: nn.Module) -> None:
    calls = inputs_of_blocks(model)
    Watching.seen.clear()
    with tokred.apply(model, using(parts.Cosine(Moved()))) as run:
        family.generate(model, steps=2)
        size = run.memory(2, Layout((family.grid,)))
    expected = [last - first for first, last in zip(calls[: len(calls) // 2], calls[len(calls) // 2 :], strict=True)]
    assert all(torch.equal(seen, moved) for seen, moved in zip(Watching.seen, expected, strict=True))
    assert size >= sum(moved.numel() * moved.element_size() for moved in expected), "its memory counts"


@pytest.mark.parametrize("family", [DIT], ids=str)
def test_it_says_where_it_is_not_known(family: Family, model: nn.Module) -> None:
    with pytest.raises(SpecError, match="signal='moved' is not offered at 2 of .*: a block has no block around it"):
        tokred.apply(model, using(parts.Cosine(Moved()), ("block",)))


def test_a_plugin_offers_it_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Unknown signal 'moved'"):
        build_part("similarity", "cosine:signal=moved")
    with pytest.raises(SpecError, match="'moved' cannot be saved: Moved is not registered"):
        save_method(build_method("dito", {"signal": Moved(), "dense_first": 2}), tmp_path / "mine.json")
    component = Component("signal", "moved", f"{__name__}:Moved", "what a block's input changed by")
    registered = Registered(component, Provider("tokred-moved", "1.0"))
    monkeypatch.setitem(default_registry()._components, ("signal", "moved"), registered)
    assert build_part("similarity", "cosine:signal=moved") == parts.Cosine(Moved())
    method = build_method("dito", {"signal": "moved", "dense_first": 2})
    assert repr(method.similarity) == "Cosine(signal='moved')"
    save_method(method, tmp_path / "mine.json")
    assert read_method(tmp_path / "mine.json") == method


def test_only_signals_are_taken() -> None:
    with pytest.raises(SpecError, match=r"signal=3 is not a signal. Give the name of one \(input, .*tokred.Signal"):
        parts.Cosine(3)  # type: ignore[arg-type]
