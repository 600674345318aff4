"""A preset skips whole steps on every denoiser, described or not."""

from __future__ import annotations

import pytest
import torch

import tokred
from tokred.testing import Host
from tokred_adapters.tiny import hosts

DENOISERS = [host for host in hosts() if host.repeats]
STEPS = 8


def test_most_denoisers_that_people_use_are_among_the_tiny_ones() -> None:
    assert len({type(host.model()) for host in DENOISERS}) >= 60


@pytest.mark.parametrize("host", DENOISERS, ids=str)
def test_steps_are_skipped_and_the_model_comes_back(host: Host) -> None:
    model = host.model()
    arguments = host.arguments(model, seed=0)
    dense = host.generate_from(model, arguments, steps=STEPS)
    with tokred.apply(model, "fast") as run:
        drawn = host.generate_from(model, arguments, steps=STEPS)
        assert run.report().compute < 0.9
    assert drawn.shape == dense.shape
    assert drawn.isfinite().all()
    assert not torch.equal(drawn, dense)
    assert torch.equal(host.generate_from(model, arguments, steps=STEPS), dense)
