"""Recoveries with memory inside a model: which calls they see, and at what times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from families.models import BY_NAME, Family, layout_of
from torch import nn

import tokred
from tokred import Method, Reduction, parts
from tokred.interfaces import Memory, MemorySpec, Time

STEPS = 6
TIMES = (1.0, 0.9, 0.7, 0.4, 0.3, 0.05)


@dataclass(frozen=True)
class Noting:
    """Notes every call; recovers as `Cached` does."""

    seen: list[tuple[str, float, bool]] = field(default_factory=list)

    def state_spec(self, shape: tuple[int, int, int]) -> MemorySpec:
        return {"output": shape}

    def observe(self, output: torch.Tensor, memory: Memory, time: Time, reduction: Reduction | None) -> None:
        assert (time.noise.dtype, time.noise.ndim) == (torch.float32, 0)
        self.seen.append(("observe", round(time.noise.item(), 4), reduction is not None))
        memory["output"].copy_(output)

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory, time: Time) -> torch.Tensor:
        self.seen.append(("recover", round(time.noise.item(), 4), True))
        return parts.Cached().recover(kept, reduction, memory, time)

    def recall(self, memory: Memory, time: Time) -> torch.Tensor:
        return memory["output"]


@torch.no_grad()
def generate(family: Family, model: nn.Module) -> None:
    arguments = family.arguments(model, 0)
    for i, time in enumerate(TIMES):
        with tokred.step(i, STEPS, time=time):
            family.run(model, arguments, time)


@pytest.mark.parametrize("share", [0, 2])
@pytest.mark.parametrize("family", [BY_NAME["dit"], BY_NAME["flux"]], ids=str)
def test_every_dense_call_is_observed_at_its_time(family: Family, model: nn.Module, share: int) -> None:
    recovery = Noting()
    method = Method(
        similarity=parts.Cosine("output"),
        matcher=parts.GridMatcher(),
        scheduler=parts.Interval(0.5, interval=3, dense_first=2),
        recovery=recovery,
        sites=("mlp",),
        share=share,
    )
    with tokred.apply(model, method) as run:
        generate(family, model)
        sites = len(run.sites)
    calls = [("observe", False), ("observe", True), ("recover", True), ("recover", True), ("observe", True)]
    calls += [("recover", True)]
    expected = [(what, time, matched) for time, (what, matched) in zip(TIMES, calls, strict=True)]
    assert recovery.seen == [each for each in expected for _ in range(sites)]


@pytest.mark.parametrize("family", [BY_NAME["dit"], BY_NAME["sd35"]], ids=str)
def test_an_oracle_does_not_tell_a_recovery_what_it_sees(family: Family, model: nn.Module) -> None:
    recovery = Noting()
    method = Method(
        similarity=parts.Cosine("output"),
        matcher=parts.GridMatcher(),
        scheduler=parts.Oracle(parts.Interval(0.5, interval=3)),
        recovery=recovery,
        keys="recovered",
    )
    with tokred.apply(model, method):
        generate(family, model)
    assert {time for what, time, _ in recovery.seen if what == "observe"} == {TIMES[0], TIMES[3]}


@pytest.mark.parametrize("dense_first", [1, 3])
@pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
@pytest.mark.parametrize("family", [BY_NAME["dit"], BY_NAME["pixart"], BY_NAME["sd35"]], ids=str)
def test_a_ratio_of_zero_changes_no_bit(family: Family, model: nn.Module, dense_first: int) -> None:
    dense = family.generate(model, steps=4)
    for keys in ("full", "recovered"):
        with tokred.apply(model, "delta", ratio=0.0, dense_first=dense_first, keys=keys, gain="fitted"):
            assert torch.equal(family.generate(model, steps=4), dense)


def allocated(run: tokred.Run) -> int:
    """Count the bytes of every tensor that the sites hold between two calls, but for the pairs themselves."""
    held = [memory for site in run._sites for state in site.states.values() for memory in state.memories.values()]
    returned = [state.returned for site in run._sites for state in site.states.values() if state.returned is not None]
    held += [memory for each in returned for memory in each.memories]
    held += [match.memory for group in {site.group for site in run._sites} for match in group.states.values()]
    return sum(tensor.nbytes for memory in held for tensor in memory.values())


WHAT = [
    {"order": 2, "gain": "fitted", "keys": "recovered"},
    {"order": 0, "signal": "drift", "dense_first": 2},
    {"program": "DD (M .5 1)*"},
    {"keys": "full", "sites": ("attn",)},
]


@pytest.mark.parametrize("what", WHAT, ids=lambda what: "-".join(what))
@pytest.mark.parametrize("family", [BY_NAME["dit"], BY_NAME["sd35"], BY_NAME["flux"]], ids=str)
@pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
def test_memory_is_what_was_said_before(family: Family, model: nn.Module, what: dict[str, Any]) -> None:
    with tokred.apply(model, "delta", **what) as run:
        said = run.memory(2, layout_of(model, family.arguments(model, 0)))
        family.generate(model, steps=4)
        assert said == pytest.approx(allocated(run), rel=0.05)
        assert said > 0


def test_memory_of_a_method_without_any_is_nothing() -> None:
    with tokred.apply(BY_NAME["dit"].model(), "tomesd") as run:
        assert run.memory(1, tokred.Layout(((6, 6),))) == 0


@pytest.mark.parametrize("family", [BY_NAME["dit"]], ids=str)
def test_memory_is_made_once_for_a_generation(family: Family, model: nn.Module) -> None:
    """And written in place: the tensors of the first step are those of the last."""
    arguments = family.arguments(model, 0)
    places = []
    with tokred.apply(model, "delta", dense_first=2, keys="recovered", gain="fitted") as run, torch.no_grad():
        for i in range(STEPS):
            with tokred.step(i, STEPS):
                family.run(model, arguments, 1 - i / STEPS)
            places.append(
                [
                    tensor.data_ptr()
                    for site in run._sites
                    for memory in site.states["both"].memories.values()
                    for tensor in memory.values()
                ]
            )
    assert len(places[0]) > 0
    assert all(each == places[0] for each in places)
