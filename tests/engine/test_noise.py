"""The share of noise of every sampler that diffusers exports, against what it does to pictures itself."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from diffusers import schedulers
from diffusers.utils import DummyObject

from tokred.engine.noise import noise_shares

STEPS = 6
ARGUMENTS: dict[str, dict[str, Any]] = {
    "AmusedScheduler": {"mask_token_id": 5},
    "VQDiffusionScheduler": {"num_vec_classes": 8},
}
WITHOUT_NOISE = {
    "AmusedScheduler",
    "BlockRefinementScheduler",
    "ConsistencyDecoderScheduler",
    "DiscreteDDIMScheduler",
    "EntropyBoundScheduler",
    "VQDiffusionScheduler",
}
"""Samplers of tokens, and of one or two steps."""
STAGED = {"HeliosScheduler", "HeliosDMDScheduler", "RFD4ProteinaScheduler"}
"""Begun otherwise than by a number of steps."""
SCALED = (
    "DPMSolverSDEScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
)
MEASURED_OTHERWISE = {*SCALED, "KarrasVeScheduler", "RePaintScheduler", "ScoreSdeVeScheduler"}
"""They step between their times, or have an `add_noise` of their own that cannot be asked."""
NAMES = [
    name
    for name in sorted(dir(schedulers))
    if name.endswith("Scheduler") and not isinstance(getattr(schedulers, name), DummyObject) and name not in STAGED
]


def begun(name: str) -> Any:
    """Make a sampler and set its steps."""
    scheduler = getattr(schedulers, name)(**ARGUMENTS.get(name, {}))
    begin(scheduler)
    return scheduler


def begin(scheduler: Any) -> None:
    """Set a sampler's steps."""
    name = type(scheduler).__name__
    if name == "SCMScheduler":
        scheduler.set_timesteps(STEPS, intermediate_timesteps=None)
    else:
        scheduler.set_timesteps(2 if name == "ConsistencyDecoderScheduler" else STEPS)
    if name == "ScoreSdeVeScheduler":
        scheduler.set_sigmas(STEPS)


def measured(scheduler: Any) -> list[float]:
    """Return the shares by what the sampler makes of a picture of ones and of noise of ones."""
    one, none, shares = torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1), []
    for t in scheduler.timesteps:
        alpha, sigma = _noised(scheduler, one, none, t[None]), _noised(scheduler, none, one, t[None])
        shares.append(float(sigma.sum() / (alpha + sigma).sum()))
    return shares


def _noised(scheduler: Any, picture: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    scheduler = copy.deepcopy(scheduler)  # some note the step that they are asked for
    if hasattr(scheduler, "scale_noise"):
        return scheduler.scale_noise(picture, t, noise)
    return scheduler.add_noise(picture, noise, t)


@pytest.mark.parametrize("name", sorted(set(NAMES) - WITHOUT_NOISE))
def test_shares_are_those_of_the_noise_that_a_sampler_adds(name: str) -> None:
    scheduler = begun(name)
    shares = noise_shares(scheduler)[: len(scheduler.timesteps)]
    assert len(shares) == len(scheduler.timesteps)
    if "Ancestral" not in name:  # these add noise again at each step
        assert shares == sorted(shares, reverse="Inverse" not in name)
    if name not in MEASURED_OTHERWISE and (hasattr(scheduler, "scale_noise") or hasattr(scheduler, "add_noise")):
        assert shares == pytest.approx(measured(scheduler), abs=2e-3)


@pytest.mark.parametrize("name", sorted(set(SCALED) & set(NAMES)))
def test_shares_between_two_steps_are_those_that_a_sampler_scales_by(name: str) -> None:
    """Such samplers divide what they hand to the model by the square root of 1 + sigma^2."""
    scheduler, scaled = begun(name), []
    shares = noise_shares(scheduler)
    for t in scheduler.timesteps:
        by = float(scheduler.scale_model_input(torch.ones(1, dtype=torch.float64), t))
        sigma = math.sqrt(max(1 / by**2 - 1, 0))
        scaled.append(sigma / (1 + sigma))
        scheduler.step(torch.zeros(1), t, torch.ones(1))
    assert shares[: len(scaled)] == pytest.approx(scaled, abs=1e-4)


@pytest.mark.parametrize("name", sorted(WITHOUT_NOISE))
def test_shares_of_a_sampler_without_noise_are_unknown(name: str) -> None:
    assert noise_shares(begun(name)) == []


def test_shares_of_samplers_of_unit_length_and_of_angles() -> None:
    ipndm = begun("IPNDMScheduler")
    angles = ipndm.timesteps.double() * torch.pi / 2
    assert noise_shares(ipndm)[:STEPS] == pytest.approx(
        (angles.sin() / (angles.sin() + angles.cos())).tolist(), abs=1e-5
    )
    scm = begun("SCMScheduler")
    assert noise_shares(scm)[0] == pytest.approx(1, abs=1e-3)
    assert noise_shares(scm)[-1] == 0


def test_a_flow_that_counts_upwards_has_shares_that_fall() -> None:
    scheduler = schedulers.FlowMatchEulerDiscreteScheduler(invert_sigmas=True)
    scheduler.set_timesteps(STEPS)
    shares = noise_shares(scheduler)
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1
