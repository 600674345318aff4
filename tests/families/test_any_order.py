"""Gathering all tokens in random order changes nothing: whatever belongs to a token travels with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from families.models import BY_NAME, DIFFUSERS, FAMILIES, TEXT, VITS, Family, layout_of
from torch import nn

import tokred
from tokred import Method, parts
from tokred.testing.rearranging import AnyOrder
from tokred.testing.tolerance import assert_same_computation
from tokred_adapters.flux import FluxAdapter

SITES = [(family, kind, "kept") for family in FAMILIES for kind in ("attn", "mlp", "block")]
SITES += [(family, "attn", keys) for family in FAMILIES for keys in family.keys if keys != "kept"]


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


@pytest.mark.parametrize(("family", "kind", "keys"), SITES, ids=lambda value: str(value))
def test_order_of_tokens_does_not_matter(family: Family, model: nn.Module, kind: str, keys: str) -> None:
    arguments = family.arguments(model, seed=0)
    with torch.no_grad():
        dense = family.run(model, arguments)
    assert_same_computation(run_in_any_order(family, model, arguments, kind, keys), dense)


@pytest.mark.parametrize("kind", ["attn", "block"])
@pytest.mark.parametrize("family", [f for f in DIFFUSERS if f.name != "dit"], ids=str)
def test_text_as_long_as_the_picture(family: Family, model: nn.Module, dtype: torch.dtype, kind: str) -> None:
    tokens = family.grid[0] * family.grid[1]
    arguments = family.arguments(model, seed=0)
    text = torch.randn(2, tokens, 12, generator=torch.Generator().manual_seed(1))
    arguments["encoder_hidden_states"] = text.to(dtype)
    arguments |= {"txt_ids": torch.zeros(tokens, 3)} if "txt_ids" in arguments else {}
    arguments |= {"encoder_attention_mask": torch.ones(2, tokens)} if "encoder_attention_mask" in arguments else {}
    with torch.no_grad():
        dense = family.run(model, arguments)
    assert_same_computation(run_in_any_order(family, model, arguments, kind), dense)


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


@pytest.fixture
def rotary_positions_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    sites = FluxAdapter.sites

    def without_rotary(self: FluxAdapter, model: nn.Module) -> list[tokred.SiteSpec]:
        stay = ("image_rotary_emb", "encoder_hidden_states", "temb")
        return [dataclasses.replace(site, travels=(), stays=stay) for site in sites(self, model)]

    monkeypatch.setattr(FluxAdapter, "sites", without_rotary)


@pytest.mark.parametrize("kind", ["attn", "block"])
@pytest.mark.usefixtures("rotary_positions_stay")
@pytest.mark.parametrize("family", [BY_NAME["flux"]], ids=str)
def test_order_matters_where_rotary_positions_stay_behind(family: Family, model: nn.Module, kind: str) -> None:
    """The test above can fail."""
    arguments = family.arguments(model, seed=0)
    with torch.no_grad():
        dense = family.run(model, arguments)
    with pytest.raises(AssertionError, match="not close"):
        assert_same_computation(run_in_any_order(family, model, arguments, kind), dense)
