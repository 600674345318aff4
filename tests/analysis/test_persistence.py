"""Persistence against plain loops, and what it must say of outputs that are known."""

from __future__ import annotations

import math

import pytest
import torch

from tokred import Cost, Layout, Reduction
from tokred.analysis import PairMeter, PersistenceMeter, Seen, recovery_error
from tokred.analysis.persistence import MEASURES, Persistence
from tokred.engine.steps import Position
from tokred.family.signature import read_call
from tokred.family.site import SiteSpec

SITE = SiteSpec("blocks.0.attn", "attn", 0, torch.nn.Identity(), read_call("x: image -> image"), Cost(1.0))
LAYOUT = Layout(((4, 4),))


def seen(step: int, inputs: torch.Tensor, outputs: torch.Tensor) -> Seen:
    return Seen(SITE, Position(step, 9, "both", 1), LAYOUT, inputs, outputs)


def features(seed: int) -> torch.Tensor:
    return torch.randn(2, 16, 5, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", range(50))
def test_recovery_error_equals_plain_loops(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(1, 9, 4, generator=generator)
    order = torch.randperm(9, generator=generator)
    r = 1 + seed % 7
    src, dst = order[:r], order[r:][torch.randint(9 - r, (r,), generator=generator)]
    error = 0.0
    for s, d in zip(src.tolist(), dst.tolist(), strict=True):
        for true, taken in zip(outputs[0, s].double().tolist(), outputs[0, d].double().tolist(), strict=True):
            error += (true - taken) ** 2
    power = sum(value**2 for value in outputs.double().flatten().tolist())
    found = recovery_error(outputs, Reduction.from_pairs(9, src[None], dst[None]))
    assert found.tolist() == pytest.approx([error / power])


def test_outputs_of_zero_have_no_error() -> None:
    pairs = Reduction.from_pairs(4, torch.tensor([[0]]), torch.tensor([[1]]))
    assert recovery_error(torch.zeros(1, 4, 3), pairs).tolist() == [0.0]


def by_loops(meter: PersistenceMeter, now: Seen, then: Seen, row: int) -> dict[str, float]:
    """The correlations, of one sample, one pair of tokens at a time."""
    src, dst = (positions.tolist() for positions in meter.pairing.sides(now))

    def cosines(x: torch.Tensor) -> list[float]:
        rows = x[row].double().tolist()
        return [cosine(rows[s], rows[d]) for s in src for d in dst]

    outputs, inputs = cosines(now.outputs), cosines(now.inputs)
    earlier_outputs, earlier_inputs = cosines(then.outputs), cosines(then.inputs)
    sides = {"outputs": (outputs, earlier_outputs), "inputs": (inputs, earlier_inputs)}
    sides["crossed"] = (outputs, earlier_inputs)
    pearson = {f"{name}_pearson": correlated(*both) for name, both in sides.items()}
    ranks = {f"{name}_rank": correlated(*map(ranked, both)) for name, both in sides.items()}
    return pearson | ranks


def cosine(a: list[float], b: list[float]) -> float:
    return sum(v * w for v, w in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)


def ranked(x: list[float]) -> list[float]:
    return [float(sorted(x).index(value)) for value in x]


def correlated(a: list[float], b: list[float]) -> float:
    a, b = ([value - sum(x) / len(x) for value in x] for x in (a, b))
    return cosine(a, b)


@pytest.mark.parametrize("seed", range(10))
def test_correlations_equal_plain_loops(seed: int) -> None:
    meter = PersistenceMeter([2], ratio=0.5)
    calls = [seen(step, features(10 * seed + step), features(100 * seed + step + 50)) for step in range(3)]
    for call in calls:
        meter(call)
    (found,) = meter.found
    assert (found.site, found.step, found.lag, set(found.values)) == ("blocks.0.attn", 2, 2, set(MEASURES))
    for row in range(2):
        for name, expected in by_loops(meter, calls[2], calls[0], row).items():
            assert found.values[name][row].item() == pytest.approx(expected, abs=1e-5), name


def means(found: Persistence) -> dict[str, float]:
    return {name: values.mean().item() for name, values in found.values.items()}


def test_nothing_changes_nothing_is_lost() -> None:
    meter, x, y = PersistenceMeter([0, 1, 2], ratio=0.5), features(0), features(1)
    for step in range(3):
        meter(seen(step, x, y))
    assert [(found.step, found.lag) for found in meter.found] == [(0, 0), (1, 1), (1, 0), (2, 2), (2, 1), (2, 0)]
    first = means(meter.found[0])
    for values in map(means, meter.found):
        assert values == pytest.approx(first)
        same = [values[name] for name in values if name.split("_")[0] != "crossed" and not name.endswith("error")]
        assert same == pytest.approx([1] * 6)
        assert values["outputs_error"] < values["inputs_error"], "pairs matched by outputs must recover outputs better"


def test_scale_and_other_tokens_directions_are_told_apart() -> None:
    meter, x, y = PersistenceMeter([1], ratio=0.5), features(0), features(1)
    meter(seen(0, x, y))
    meter(seen(1, features(2), 3 * y))
    values = means(meter.found[0])
    assert (values["outputs_pearson"], values["outputs_pmr"]) == pytest.approx((1, 1))
    assert abs(values["inputs_pearson"]) < 0.5
    assert values["inputs_pmr"] < 1


@pytest.mark.parametrize("kind", [PersistenceMeter, PairMeter])
def test_lag_counts_steps_and_generations_do_not_mix(kind: type[PersistenceMeter] | type[PairMeter]) -> None:
    meter = kind([4], ratio=0.5)
    for step in (0, 2, 4, 6, 0, 2):
        meter(seen(step, features(step), features(step + 1)))
    assert [(found.step, found.lag) for found in meter.found] == [(4, 4), (6, 4)]


def test_both_meters_find_the_same_pairs() -> None:
    full, pairs = PersistenceMeter([1, 2], ratio=0.5), PairMeter([1, 2], ratio=0.5)
    for step in range(4):
        for meter in (full, pairs):
            meter(seen(step, features(step), features(7) + 0.3 * features(step + 20)))
    assert [found.pmr for found in pairs.found] == pytest.approx([means(f)["outputs_pmr"] for f in full.found])
    assert 0 < pairs.found[0].pmr < 1
