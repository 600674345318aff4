"""The tiny models of all families: what they promise to the checks that run on them."""

from __future__ import annotations

import math
from time import process_time

import pytest
import torch

from tokred.testing import Host
from tokred_adapters.tiny import hosts

HOSTS = hosts()
FIXED_TEXT = {"cogvideox-2b", "wan-i2v", "wan-animate", "chronoedit"}
"""They take texts of one length."""
LARGE = {"hunyuan-video-15"}
"""Its class has a layer of 4 million parameters whatever its sizes are."""


@pytest.fixture(params=HOSTS, ids=str, scope="module")
def host(request: pytest.FixtureRequest) -> Host:
    return request.param


@pytest.fixture(scope="module")
def model(host: Host) -> torch.nn.Module:
    host.model()  # imports
    start = process_time()
    model = host.model()
    assert process_time() - start < 2
    return model


def test_weights_are_the_same_every_time(host: Host, model: torch.nn.Module) -> None:
    again = dict(host.model().named_parameters())
    assert all(torch.equal(parameter, again[name]) for name, parameter in model.named_parameters())
    assert host.name in LARGE or sum(parameter.numel() for parameter in again.values()) < 1_000_000


def test_outputs_depend_on_the_seed_alone(host: Host, model: torch.nn.Module) -> None:
    output = host.call(model)
    assert torch.equal(host.call(model), output)
    assert not torch.allclose(host.call(model, seed=1), output)


@pytest.mark.parametrize("batch", [1, 3])
def test_any_batch_and_grid(host: Host, model: torch.nn.Module, batch: int) -> None:
    for grid in (host.grid, host.other_grid):
        output = host.call(model, batch=batch, grid=grid)
        assert output.isfinite().all()
        assert output.std() > 1e-3
        assert output.shape == host.picture(batch, grid) if host.repeats else len(output) == batch


def test_text_may_be_longer_than_the_picture(host: Host, model: torch.nn.Module) -> None:
    if not host.text or host.name in FIXED_TEXT:
        pytest.skip("no text, or of one length")
    text = math.prod(host.grid) + 4
    output = host.call(model, batch=1, text=text)
    assert output.shape == host.picture(1, host.grid)
    assert output.isfinite().all()


def test_arguments_have_the_dtype_of_the_model(host: Host) -> None:
    arguments = host.arguments(host.model(torch.bfloat16), seed=0)
    leaves = torch.utils._pytree.tree_leaves(arguments)
    floats = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor) and leaf.is_floating_point()]
    assert floats
    assert all(leaf.dtype == torch.bfloat16 for leaf in floats)


def test_a_generation_takes_several_steps(host: Host, model: torch.nn.Module) -> None:
    if not host.repeats:
        pytest.skip("called once")
    assert host.generate(model, batch=1, steps=3).isfinite().all()
