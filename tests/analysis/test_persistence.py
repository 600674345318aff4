"""Persistence against plain loops, and what it must say of outputs that are known."""

from __future__ import annotations

import pytest
import torch

from tokred import Cost, Layout, Reduction, SiteSpec
from tokred.analysis import PersistenceMeter, Seen, recovery_error
from tokred.engine.steps import Position

SITE = SiteSpec("blocks.0.attn", "attn", 0, torch.nn.Identity(), Cost(1.0))
LAYOUT = Layout(((4, 4),))


def seen(step: int, inputs: torch.Tensor, outputs: torch.Tensor) -> Seen:
    return Seen(SITE, Position(step, 9, "both", fresh=step == 0), LAYOUT, inputs, outputs)


def features(seed: int) -> torch.Tensor:
    return torch.randn(2, 16, 5, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", range(50))
def test_recovery_error_equals_plain_loops(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(1, 9, 4, generator=generator)
    order = torch.randperm(9, generator=generator)
    r = 1 + seed % 7
    src, dst = order[:r], order[r:][torch.randint(9 - r, (r,), generator=generator)]
    error = power = 0.0
    for s, d in zip(src.tolist(), dst.tolist(), strict=True):
        for true, taken in zip(outputs[0, s].double().tolist(), outputs[0, d].double().tolist(), strict=True):
            error += (true - taken) ** 2
            power += true**2
    found = recovery_error(outputs, Reduction.from_pairs(9, src[None], dst[None]))
    assert found.tolist() == pytest.approx([error / power])


def test_nothing_changes_nothing_is_lost() -> None:
    meter, x, y = PersistenceMeter([0, 1, 2], ratio=0.5), features(0), features(1)
    for step in range(3):
        meter(seen(step, x, y))
    assert [(found.step, found.lag) for found in meter.found] == [(0, 0), (1, 1), (1, 0), (2, 2), (2, 1), (2, 0)]
    for found in meter.found:
        assert (found.outputs_pearson, found.inputs_spearman, found.pmr) == pytest.approx((1, 1, 1))
        assert found.crossed_pearson == pytest.approx(meter.found[0].crossed_pearson)
        assert found.reused_error == meter.found[0].reused_error
        assert found.reused_error < found.input_error, "pairs matched by outputs must recover outputs better"


def test_scale_and_other_tokens_directions_are_told_apart() -> None:
    meter, x, y = PersistenceMeter([1], ratio=0.5), features(0), features(1)
    meter(seen(0, x, y))
    meter(seen(1, features(2), 3 * y))
    (found,) = meter.found
    assert (found.outputs_pearson, found.pmr) == pytest.approx((1, 1))
    assert abs(found.inputs_pearson) < 0.5


def test_lag_counts_steps_and_generations_do_not_mix() -> None:
    meter = PersistenceMeter([4], ratio=0.5)
    for step in (0, 2, 4, 6, 0, 2):
        meter(seen(step, features(step), features(step + 1)))
    assert [(found.step, found.lag) for found in meter.found] == [(4, 4), (6, 4)]
