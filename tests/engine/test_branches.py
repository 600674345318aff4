"""Guidance branches: the calls of one step do not mix."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from families.models import BY_NAME, DIFFUSERS, Family
from torch import nn

import tokred
from tokred import Method, parts

SEEDS = {"cond": 0, "uncond": 1}
FIXED = Method(
    similarity=parts.Cosine("output"),
    matcher=parts.GridMatcher(random=False),
    scheduler=parts.Interval(ratio=0.5),
    recovery=parts.Copy(),
    sites=("attn", "mlp"),
    name="fixed destinations",
)
"""DiTo without random draws: what one branch draws cannot depend on another's."""

REMEMBERING = dataclasses.replace(
    FIXED, recovery=parts.Delta(parts.Forecast(), gain="fitted"), keys="recovered", name="with memory"
)

Results = dict[str, list[torch.Tensor]]


@torch.no_grad()
def guided(family: Family, model: nn.Module, branches: tuple[str, ...] = ("cond", "uncond"), steps: int = 3) -> Results:
    """Call `model` on each branch at each step, in a loop written by hand."""
    results: Results = {branch: [] for branch in branches}
    for i in range(steps):
        for branch in branches:
            with tokred.step(i, steps, branch):
                results[branch].append(family.run(model, family.arguments(model, SEEDS[branch]), 1 - i / steps))
    return results


def assert_equal(actual: Results, expected: Results) -> None:
    for branch in expected:
        assert all(torch.equal(a, e) for a, e in zip(actual[branch], expected[branch], strict=True)), branch


def each_alone(family: Family, model: nn.Module, method: str | Method) -> Results:
    alone: Results = {}
    for branch in SEEDS:
        with tokred.apply(model, method):
            alone |= guided(family, model, (branch,))
    return alone


SHARING = dataclasses.replace(REMEMBERING, keys="kept", share=2, name="sharing")

EACH = [(family, FIXED) for family in DIFFUSERS]
EACH += [(family, SHARING) for family in DIFFUSERS]
EACH += [(family, REMEMBERING) for family in DIFFUSERS if "recovered" in family.keys]


@pytest.mark.parametrize(("family", "method"), EACH, ids=lambda value: getattr(value, "name", None))
def test_two_branches_equal_each_alone(family: Family, model: nn.Module, method: Method) -> None:
    alone, dense = each_alone(family, model, method), guided(family, model)
    with tokred.apply(model, method) as run:
        together = guided(family, model)
        assert {call.position.branch for call in run.report().calls} == set(SEEDS)
        assert {call.removed > 0 for call in run.report().calls if call.position.step == 1} == {True}
    assert_equal(together, alone)
    assert not torch.equal(together["uncond"][1], dense["uncond"][1])


@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_unnamed_calls_of_a_sampler_equal_each_alone(family: Family, model: nn.Module) -> None:
    """A pipeline that calls its model twice per step, and says nothing."""
    alone = each_alone(family, model, FIXED)
    pipe = SimpleNamespace(transformer=model, scheduler=FlowMatchEulerDiscreteScheduler())
    together: Results = {branch: [] for branch in SEEDS}
    with tokred.apply(pipe, FIXED) as run, torch.no_grad():
        pipe.scheduler.set_timesteps(3)
        sample = torch.zeros(1, 1)
        for i, t in enumerate(pipe.scheduler.timesteps):
            for branch, seed in SEEDS.items():
                together[branch].append(family.run(model, family.arguments(model, seed), 1 - i / 3))
            sample = pipe.scheduler.step(sample, t, sample).prev_sample
        assert {call.position.branch for call in run.report().calls} == {"call 0", "call 1"}
    assert_equal(together, alone)


@pytest.mark.parametrize("family", [BY_NAME["dit"]], ids=str)
def test_two_branches_equal_each_alone_with_random_draws(family: Family, model: nn.Module) -> None:
    alone = each_alone(family, model, "dito")
    with tokred.apply(model, "dito"):
        assert_equal(guided(family, model), alone)


@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_a_branch_may_pause(family: Family, model: nn.Module) -> None:
    """Guidance in some steps only: the branch that begins late is matched when it comes."""
    with tokred.apply(model, FIXED) as run, torch.no_grad():
        for i in range(4):
            for branch in ("cond", "uncond") if i in (1, 2) else ("cond",):
                with tokred.step(i, 4, branch):
                    family.run(model, family.arguments(model, SEEDS[branch]))
        phases = {(c.position.branch, c.position.step): c.phase.value for c in run.report().calls}
        assert run.report().generations == 1
    assert [phases["cond", i] for i in range(4)] == ["match", "reduce", "match", "reduce"]
    assert (phases["uncond", 1], phases["uncond", 2]) == ("match", "match")


@pytest.mark.parametrize("family", [BY_NAME["dit"]], ids=str)
def test_guidance_may_be_switched_on_between_generations(family: Family, model: nn.Module) -> None:
    with tokred.apply(model, "dito"):
        expected = guided(family, model)
    with tokred.apply(model, "dito") as run:
        family.generate(model)  # one branch, "both"
        assert_equal(guided(family, model), expected)
        assert run.report().generations == 2


@pytest.mark.parametrize("family", [BY_NAME["dit"]], ids=str)
def test_two_calls_in_a_step_without_branch_names_equal_each_alone(family: Family, model: nn.Module) -> None:
    alone = each_alone(family, model, "dito")
    together: Results = {branch: [] for branch in SEEDS}
    with tokred.apply(model, "dito") as run, torch.no_grad():
        for i in range(3):
            with tokred.step(i, 3):
                for branch, seed in SEEDS.items():
                    together[branch].append(family.run(model, family.arguments(model, seed), 1 - i / 3))
        assert {call.position.branch for call in run.report().calls} == {"both", "both, call 1"}
    assert_equal(together, alone)


@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_tomesd_follows_a_loop_written_by_hand(family: Family, model: nn.Module) -> None:
    with tokred.apply(model, "tomesd") as run:
        family.generate(model, steps=3)
        kept = run.kept_tokens()
        assert sorted({call.position.step for call in run.report().calls}) == [0, 1, 2]
        family.generate(model, steps=1)
        assert run.kept_tokens() != kept, "destinations are drawn anew at each call"
