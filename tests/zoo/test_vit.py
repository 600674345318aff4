"""The classifiers that the zoo builds."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import tokred
from tokred.errors import SpecError
from tokred.zoo.vit import build, stem

CONFIG: dict[str, Any] = {"img_size": 8, "patch_size": 2, "in_chans": 1, "embed_dim": 16, "depth": 2, "num_heads": 2}


def test_stem_takes_the_place_of_the_patch_projection() -> None:
    network = build(CONFIG | {"stem": [8, 16]}, ["dark", "light"])
    convolutions = [layer for layer in network.patch_embed.modules() if isinstance(layer, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.stride[0]) for c in convolutions] == [(1, 8, 2), (8, 16, 1), (16, 16, 1)]
    assert network(torch.zeros(3, 1, 8, 8)).shape == (3, 2)
    assert network.patch_embed(torch.zeros(1, 1, 8, 8)).shape == (1, 16, 16)


def test_without_a_stem_patches_are_projected_at_once() -> None:
    assert isinstance(build(CONFIG, ["dark", "light"]).patch_embed.proj, nn.Conv2d)


@pytest.mark.parametrize(("patch", "widths", "places"), [(1, [8], 12), (2, [8], 6), (4, [8, 8, 16], 3)])
def test_stem_makes_one_token_of_each_patch(patch: int, widths: list[int], places: int) -> None:
    assert stem(3, widths, 5, patch)(torch.zeros(2, 3, 12, 12)).shape == (2, 5, places, places)


@pytest.mark.parametrize(("patch", "widths"), [(4, [8]), (3, [8, 8]), (2, [8, 12])])
def test_stem_that_does_not_fit_is_refused(patch: int, widths: list[int]) -> None:
    with pytest.raises(SpecError, match=rf"does not fit patch_size={patch}.*power of 2.*multiples of 8"):
        build(CONFIG | {"patch_size": patch, "img_size": 12, "stem": widths}, ["dark", "light"])


def test_tokens_are_reduced_behind_a_stem() -> None:
    network = build(CONFIG | {"stem": [8, 16]}, ["dark", "light"]).eval()
    with torch.no_grad(), tokred.apply(network, "tomesd", ratio=0.5) as run:
        network(torch.randn(2, 1, 8, 8))
        assert {(call.layout.image, call.removed) for call in run.report().calls} == {(16, 8)}
