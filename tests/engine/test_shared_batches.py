"""Branches that share a batch at some steps and not at others, and generations that go back to earlier steps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import tokred
from tokred import Method
from tokred.parts import Cached, Cosine, Forecast, Program, RandomMatcher


class Denoiser(nn.Module):
    """Computes each sample by itself, so that batches do not matter; counts its calls."""

    calls = 0

    def forward(self, x: torch.Tensor, timestep: float) -> torch.Tensor:
        self.calls += 1
        return torch.sin(3 * x) * timestep + x**2


class Pairs(Denoiser):
    """Returns a tuple, of which one value is no tensor."""

    def forward(self, x: torch.Tensor, timestep: float) -> Any:
        return super().forward(x, timestep), {"share": timestep, "x": x - timestep}


def skipping(program: str, recovery: Any = None) -> Method:
    return Method(
        similarity=Cosine(),
        matcher=RandomMatcher(),
        scheduler=Program(program),
        recovery=recovery or Forecast(),
        sites=("model",),
    )


Batching = list[tuple[tuple[str, ...], ...]]
"""For each step, the branches of each call."""
BRANCHES = ("uncond", "cond")
STEPS = 8
APART: Batching = [(("uncond",), ("cond",))] * STEPS
MIXED: Batching = [(BRANCHES,)] * 2 + APART[:2] + [(BRANCHES[::-1],)] + APART[:1] + [(BRANCHES,)] * 2


def draw(model: nn.Module, batching: Batching, value: Any = lambda out: out) -> torch.Tensor:
    """Draw two samples in each branch, with calls batched as `batching` says."""
    start = torch.linspace(-1, 1, 24).reshape(2, 3, 2, 2)
    pictures = {"uncond": start, "cond": 2 * start}
    for step, calls in enumerate(batching):
        share = 1 - step / STEPS
        for names in calls:
            x = torch.cat([pictures[name] for name in names])
            with tokred.step(step, STEPS, names, share):
                outputs = value(model(x, timestep=share)).chunk(len(names))
            for name, output in zip(names, outputs, strict=True):
                pictures[name] = pictures[name] - output / STEPS
    return torch.cat([pictures[name] for name in BRANCHES])


@pytest.mark.parametrize(("kind", "value"), [(Denoiser, lambda out: out), (Pairs, lambda out: out[0] + out[1]["x"])])
def test_a_branch_remembers_by_itself_whichever_batch_it_is_in(kind: type[nn.Module], value: Any) -> None:
    with tokred.apply(kind(), skipping("D D *(1 1 D)")) as run:
        apart = draw(run.model, APART, value)
    with tokred.apply(kind(), skipping("D D *(1 1 D)")) as run:
        mixed = draw(run.model, MIXED, value)
        assert run.model.calls < sum(map(len, MIXED))
        assert run.report().generations == 1
    assert torch.equal(mixed, apart)


def test_a_branch_that_joins_late_has_its_batch_computed() -> None:
    with tokred.apply(Denoiser(), skipping("D D (1)*", Cached())) as run:
        for step, names in enumerate([("cond",), ("cond",), ("cond",), BRANCHES, BRANCHES]):
            with tokred.step(step, 5, names):
                run.model(torch.ones(len(names), 1, 2, 2), timestep=1.0)
    assert run.model.calls == 3  # the two dense steps, and the one at which "uncond" is new


def test_branches_have_names_of_their_own_and_equal_parts() -> None:
    with pytest.raises(tokred.SpecError, match="names of several that differ"), tokred.step(0, 2, ("cond", "cond")):
        pass
    with tokred.apply(Denoiser(), skipping("D (1)*", Cached())) as run, tokred.step(0, 2, BRANCHES):
        with pytest.raises(tokred.SpecError, match="cannot share a batch of 3 equally"):
            run.model(torch.ones(3, 1, 2, 2), timestep=1.0)
        run.model(torch.ones(2, 1, 2, 2), timestep=1.0)
        with tokred.step(1, 2, BRANCHES):
            run.model(torch.ones(2, 1, 2, 2), timestep=0.5)


@pytest.mark.parametrize(("generation", "begun"), [(None, 3), ("one", 1)])
def test_a_generation_that_is_named_may_go_back(generation: str | None, begun: int) -> None:
    with tokred.apply(Denoiser(), skipping("D (1)*", Cached())) as run:
        for step, branch in [(0, "a"), (1, "a"), (0, "b"), (1, "b"), (0, "c")]:
            with tokred.step(step, 2, branch, generation=generation):
                run.model(torch.ones(1, 1, 2, 2), timestep=1.0)
        assert run.report().generations == begun
        with tokred.step(1, 2, "a", generation="another"):
            run.model(torch.ones(1, 1, 2, 2), timestep=1.0)
        assert run.report().generations == begun + 1
