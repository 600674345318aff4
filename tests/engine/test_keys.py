"""What kept queries attend to: with all keys, a kept token's output is that of a dense call."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from families.models import BY_NAME, DIFFUSERS, Family, sites_of
from torch import nn

import tokred
from tokred import Method, Reduction, UnsupportedModel, parts
from tokred.arguments import Arguments, argument_names
from tokred.engine.outputs import token_output
from tokred.family.site import SiteSpec
from tokred.family.spans import split
from tokred.interfaces import Memory, MemorySpec, Time
from tokred.testing.tolerance import assert_same_computation

FULL = [family for family in DIFFUSERS if "full" in family.keys]
RECOVERED = [family for family in DIFFUSERS if "recovered" in family.keys]


@dataclass(frozen=True)
class Truth:
    """Gives back what it was told beforehand, in the order of the calls."""

    told: list[torch.Tensor] = field(default_factory=list)

    def state_spec(self, shape: tuple[int, int, int]) -> MemorySpec:
        return {}

    def observe(self, output: torch.Tensor, memory: Memory, time: Time, reduction: Any) -> None: ...

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory, time: Time) -> torch.Tensor:
        return self.told.pop(0)

    def recall(self, memory: Memory, time: Time) -> torch.Tensor:
        raise NotImplementedError


def at_attention(keys: Any, recovery: Any, key_recovery: Any = None) -> Method:
    return Method(
        similarity=parts.Cosine(),
        matcher=parts.GridMatcher(),
        scheduler=parts.EveryStep(0.5),
        recovery=recovery,
        keys=key_recovery if keys == "recovered" and key_recovery is not None else keys,
    )


@contextmanager
def spied(modules: list[nn.Module]) -> Iterator[list[tuple[Arguments, Any]]]:
    """Collect the arguments and the results of every call."""
    seen: list[tuple[Arguments, Any]] = []

    def note(module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        seen.append((Arguments(argument_names(module), args, kwargs), result))

    hooks = [module.register_forward_hook(note, with_kwargs=True) for module in modules]
    yield seen
    for hook in hooks:
        hook.remove()


def image_tokens(site: SiteSpec, result: Any, family: Family) -> torch.Tensor:
    return split(token_output(site, result), site.call.order, family.grid[0] * family.grid[1])[1]


@pytest.mark.parametrize("family", FULL, ids=str)
def test_with_full_keys_a_kept_token_is_a_dense_one(family: Family, model: nn.Module) -> None:
    sites = sites_of(model, "attn")
    dense = [copy.deepcopy(site.module) for site in sites]
    with (
        torch.no_grad(),
        tokred.apply(model, at_attention("full", parts.Copy())) as run,
        spied([site.module for site in sites]) as calls,
    ):
        family.call(model)
        reductions = [site.states["both"].match.reduction for site in run._sites]
    assert len(calls) == len(sites)
    for site, module, (call, result), reduction in zip(sites, dense, calls, reductions, strict=True):
        with torch.no_grad():
            expected = module(*call.args, **call.kwargs)
        assert reduction.computed < reduction.tokens
        assert_same_computation(
            reduction.merge(image_tokens(site, result, family)), reduction.merge(image_tokens(site, expected, family))
        )


@pytest.mark.parametrize("keys", ["full", "recovered"])
@pytest.mark.parametrize("family", RECOVERED, ids=str)
def test_with_everything_truly_recovered_the_whole_is_dense(family: Family, model: nn.Module, keys: str) -> None:
    """Outputs, and keys and values, that a dense call has noted."""
    sites = sites_of(model, "attn")
    projections = [module for site in sites for module in site.attention.keys]
    with spied([site.module for site in sites]) as outputs, spied(projections) as projected:
        dense = family.call(model)
    by_site = {id(r): s for s, (_, r) in zip(sites, outputs, strict=True)}
    truth = Truth([image_tokens(by_site[id(result)], result, family) for _, result in outputs])
    key_truth = Truth([result[:, -family.grid[0] * family.grid[1] :] for _, result in projected])
    with tokred.apply(model, at_attention(keys, truth, key_truth)):
        assert_same_computation(family.call(model), dense)
    assert not truth.told
    assert bool(key_truth.told) == (keys == "full")


@pytest.mark.parametrize("family", [BY_NAME["flux"]], ids=str)
def test_with_full_keys_a_kept_token_of_a_parallel_block_is_a_dense_one(family: Family, model: nn.Module) -> None:
    method = dataclasses.replace(at_attention("full", parts.Copy()), sites=("attn", "mlp"))
    sites = [site for site in sites_of(model, "block") if site.attention.keys]
    dense = [copy.deepcopy(site.module) for site in sites]
    with torch.no_grad(), tokred.apply(model, method) as run, spied([site.module for site in sites]) as calls:
        family.call(model)
        reductions = [site.states["both"].match.reduction for site in run._sites if site.spec.kind == "block"]
    assert len(calls) == len(sites) == 2
    for site, module, (call, result), reduction in zip(sites, dense, calls, reductions, strict=True):
        with torch.no_grad():
            expected = module(*call.args, **call.kwargs)
        assert_same_computation(
            reduction.merge(image_tokens(site, result, family)), reduction.merge(image_tokens(site, expected, family))
        )
        for ours, theirs in zip(result, expected, strict=True):  # the text is computed in any case
            if ours.shape[1] != reduction.tokens:
                assert_same_computation(ours, theirs)


@pytest.mark.parametrize("merge", ["prune", "mean"])
@pytest.mark.parametrize("family", [BY_NAME["flux"]], ids=str)
def test_a_parallel_block_hands_all_its_tokens_to_the_keys(family: Family, model: nn.Module, merge: Any) -> None:
    """Whatever the kept tokens hold, keys are those of the block's own input."""
    method = dataclasses.replace(at_attention("full", parts.Copy()), sites=("attn", "mlp"), merge=merge)
    block = model.single_transformer_blocks[0]
    dense = copy.deepcopy(block)
    with torch.no_grad(), tokred.apply(model, method), spied([block]) as calls, spied([block.attn.to_k]) as keys:
        family.call(model)
    (call, _), *_ = calls
    with torch.no_grad(), spied([dense.attn.to_k]) as expected:
        dense(*call.args, **call.kwargs)
    assert_same_computation(keys[0][1], expected[0][1])


@pytest.mark.parametrize("keys", ["full", "recovered"])
@pytest.mark.parametrize("family", [BY_NAME["flux"]], ids=str)
def test_without_positions_nothing_is_rotated(family: Family, model: nn.Module, keys: Any) -> None:
    attention = model.transformer_blocks[0].attn
    tokens = torch.randn(2, 48, 32).to(next(model.parameters()).dtype)
    text = torch.randn(2, 5, 32).to(tokens.dtype)
    dense = attention(tokens, text)
    with tokred.apply(model, at_attention(keys, parts.Copy())) as run, torch.no_grad():
        family.call(model)
        for site in run._sites:
            site.planned = True  # as in a call of the model
        (reduced, _) = attention(tokens, text)
    assert reduced.shape == dense[0].shape


@pytest.mark.parametrize("keys", ["full", "recovered"])
def test_an_attention_that_projects_samples_apart_is_refused_by_name(keys: Any) -> None:
    """As perturbed attention guidance does, for the half of a batch that it perturbs."""
    family = BY_NAME["dit"]
    model: Any = family.model(torch.float32)

    class Perturbed:
        """Attends in the first half of the batch alone; the others' values pass through."""

        def __call__(self, attn: Any, hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
            first, second = hidden_states.chunk(2)
            attended = torch.nn.functional.scaled_dot_product_attention(
                attn.to_q(first), attn.to_k(first), attn.to_v(first)
            )
            return attn.to_out[0](torch.cat([attended, attn.to_v(second)]))

    for block in model.transformer_blocks:
        block.attn1.set_processor(Perturbed())
    with (
        tokred.apply(model, "dito", keys=keys),
        pytest.raises(UnsupportedModel, match="keys of 1 of 2 samples by themse"),
    ):
        family.generate(model)
    with tokred.apply(model, "dito", keys="kept"):
        assert family.generate(model).isfinite().all()
