"""What a ranking expects of schedules is what recoveries and a linear model would make of them."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from tokred.interfaces import Recovery, Time
from tokred.interfaces.time import EDGE
from tokred.parts import Cached, Forecast
from tokred.tuning import Recording, rank_schedules
from tokred.tuning.ranking import missed_by, predicted_psnr

STEPS, WIDTH = 7, 5
RECOVERIES: dict[int, Recovery] = {0: Cached(), 1: Forecast(1), 2: Forecast(2)}


def outputs(pictures: int = 1) -> torch.Tensor:
    """Outputs that change smoothly, `[P, n, C]`."""
    generator = torch.Generator().manual_seed(3)
    steps = torch.randn(pictures, STEPS, WIDTH, generator=generator, dtype=torch.float64)
    return steps.cumsum(1) / 10 + steps[:, :1]


def recording(pictures: int = 1) -> Recording:
    made = outputs(pictures)
    shares = torch.linspace(1, 0.1, STEPS, dtype=torch.float64)
    return Recording(torch.zeros(pictures, 3, 4, 4), made @ made.mT, shares)


def all_schedules() -> torch.Tensor:
    return torch.tensor([(True, *rest) for rest in itertools.product((True, False), repeat=STEPS - 1)])


def forecasts(dense: list[bool], order: int, shares: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """What a recovery recalls at each skipped step, and the output itself at each dense one, `[n, C]`."""
    recovery = RECOVERIES[order]
    shape = (1, 1, WIDTH)
    memory = {name: torch.zeros(size, dtype=torch.float64) for name, size in recovery.state_spec(shape).items()}
    found = []
    for step, is_dense in enumerate(dense):
        if is_dense:
            recovery.observe(made[step].view(shape), memory, Time.at(shares[step]), None)
        found.append(made[step] if is_dense else recovery.recall(memory, Time.at(shares[step])).view(-1).clone())
    return torch.stack(found)


@pytest.mark.parametrize("order", RECOVERIES)
def test_what_forecasts_miss_is_what_recoveries_miss(order: int) -> None:
    shares, made, schedules = recording().shares, outputs()[0], all_schedules()
    carry = torch.rand(STEPS, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    factors = missed_by(schedules, shares.logit(eps=EDGE), order, carry)
    for dense, factor in zip(schedules.tolist(), factors, strict=True):
        missed = forecasts(dense, order, shares, made) - made
        torch.testing.assert_close(factor @ made, carry @ missed)


def test_errors_are_added_before_they_are_squared() -> None:
    many, made, carry = recording(pictures=3), outputs(3), torch.linspace(1, 2, STEPS, dtype=torch.float64)
    dense = torch.tensor([[True, True, False, False, True, False, True]])
    expected = []
    for picture in made:
        missed = forecasts(dense[0].tolist(), 1, many.shares, picture) - picture
        expected.append(-10 * math.log10((carry @ missed).square().sum()))
    assert float(predicted_psnr(many, carry, dense, 1)) == pytest.approx(sum(expected) / 3)


def test_the_best_of_all_schedules_are_ranked() -> None:
    many, carry = recording(pictures=2), torch.linspace(2, 1, STEPS, dtype=torch.float64)
    ranked, schedules = rank_schedules(many, carry), all_schedules()
    for order, number in itertools.product(RECOVERIES, range(1, STEPS)):
        same = schedules[schedules.sum(1) == number]
        best = float(predicted_psnr(many, carry, same, order).max())
        found = [each.psnr for each in ranked if each.order == order and sum(each.dense) == number]
        assert max(found) == pytest.approx(best)
    assert all(each.compute < 1 and each.dense[0] for each in ranked)
