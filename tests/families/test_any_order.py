"""Gathering all tokens in random order changes nothing: whatever belongs to a token travels with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from families.models import BY_NAME, TEXT, VITS, Family, layout_of
from torch import nn

import tokred
from tokred import Method, parts
from tokred.engine.apply import apply_by
from tokred.testing.rearranging import AnyOrder
from tokred.testing.tolerance import assert_same_computation
from tokred_adapters.flux import FLUX


def in_any_order(kind: Any, keys: Any = "kept") -> Method:
    return Method(
        similarity=parts.Cosine(),
        matcher=AnyOrder(),
        scheduler=parts.EveryStep(0.1),
        recovery=parts.Copy(),
        sites=(kind,),
        keys=keys,
    )


def run_in_any_order(
    family: Family, model: nn.Module, arguments: dict[str, Any], kind: str = "attn", keys: str = "kept"
) -> torch.Tensor:
    with tokred.apply(model, in_any_order(kind, keys)) as run, torch.no_grad():
        result = family.run(model, arguments)
        assert all(call.removed for call in run.report().calls), "every site has to take the reducing way"
    return result


@pytest.mark.parametrize("kind", ["attn", "block"])
@pytest.mark.parametrize("family", [BY_NAME["flux"]], ids=str)
def test_two_pictures_in_a_sequence(family: Family, model: nn.Module, kind: str) -> None:
    """As Flux Kontext has them: the picture that is drawn, and one that it refers to."""
    arguments, second = family.arguments(model, seed=0), family.arguments(model, seed=1, grid=(3, 5))
    second["img_ids"] = second["img_ids"] + torch.tensor([1.0, 0.0, 0.0]).to(second["img_ids"])
    for name, axis in (("hidden_states", 1), ("img_ids", 0)):
        arguments[name] = torch.cat([arguments[name], second[name]], dim=axis)
    assert layout_of(model, arguments).grids == ((6, 8), (3, 5))
    with torch.no_grad():
        dense = family.run(model, arguments)
    assert_same_computation(run_in_any_order(family, model, arguments, kind), dense)


def padding(tokens: int) -> torch.Tensor:
    """Mask the last tokens of the first sample `[2, N]`; 1 is attended to."""
    mask = torch.ones(2, tokens)
    mask[0, -7:] = 0
    return mask


def pixart_mask(family: Family) -> dict[str, Any]:
    return {"attention_mask": padding(family.grid[0] * family.grid[1])}


def vit_mask(family: Family) -> dict[str, Any]:
    mask = padding(family.model().num_prefix_tokens + family.grid[0] * family.grid[1])
    return {"attn_mask": mask.bool()[:, None, None, :].expand(-1, -1, mask.shape[1], -1)}


def flux_mask(family: Family) -> dict[str, Any]:
    """Forbid random pairs of text and picture tokens, `[1, 1, L, L]`."""
    length = TEXT + family.grid[0] * family.grid[1]
    allowed = torch.rand(1, 1, length, length, generator=torch.Generator().manual_seed(2)) > 0.3
    return {"joint_attention_kwargs": {"attention_mask": allowed}}


MASKS: dict[Family, Callable[[Family], dict[str, Any]]] = {
    BY_NAME["pixart"]: pixart_mask,
    **dict.fromkeys(VITS, vit_mask),
    BY_NAME["flux"]: flux_mask,
}


@pytest.mark.parametrize("family", MASKS, ids=str)
def test_masks_travel_with_the_tokens(family: Family, model: nn.Module) -> None:
    arguments = family.arguments(model, seed=0) | MASKS[family](family)
    with torch.no_grad():
        unmasked = family.run(model, family.arguments(model, seed=0))
        masked = family.run(model, arguments)
    assert not torch.equal(unmasked, masked), "a mask that does nothing shows nothing"
    assert_same_computation(run_in_any_order(family, model, arguments), masked)


@pytest.mark.parametrize("kind", ["attn", "block"])
@pytest.mark.parametrize("family", [BY_NAME["flux"]], ids=str)
def test_order_matters_where_rotary_positions_stay_behind(family: Family, model: nn.Module, kind: str) -> None:
    """The test above can fail."""
    arguments = family.arguments(model, seed=0)
    stay = ("image_rotary_emb", "temb")
    stacks = tuple(dataclasses.replace(stack, rows={}, stays=stay) for stack in FLUX.stacks)
    with torch.no_grad():
        dense = family.run(model, arguments)
    wrong = dataclasses.replace(FLUX, stacks=stacks)
    with pytest.raises(AssertionError, match="not close"), apply_by(model, in_any_order(kind), lambda model: wrong):
        assert_same_computation(family.run(model, arguments), dense)
