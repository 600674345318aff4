"""Recoveries against plain loops, and against what they say they are."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch

from tokred import Recovery, Reduction, SpecError
from tokred.engine.memory import new_memory
from tokred.interfaces import Memory, Time
from tokred.parts import Cached, Copy, Delta, Forecast

B, N, C = 2, 5, 3
SHARED = Reduction.from_pairs(N, torch.tensor([[1, 4]]), torch.tensor([[3, 0]]))
OWN = Reduction.from_pairs(N, torch.tensor([[1, 4], [0, 3]]), torch.tensor([[3, 0], [2, 2]]))
TIMES = (1.0, 0.9, 0.6, 0.1)
"""Of the dense calls, not evenly spaced."""
WITH_MEMORY = [Cached(), Forecast(1), Forecast(2), Delta(), Delta(Forecast(1)), Delta(Forecast(2), "fitted")]
EVERY = [Copy(), *WITH_MEMORY, Delta(gain=0.5), Delta(gain="fitted")]


def outputs(number: int, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(B, N, C, generator=generator).to(dtype) for _ in range(number)]


def observed(recovery: Recovery, calls: dict[float, torch.Tensor], reduction: Reduction | None = None) -> Memory:
    """Return the memory of dense calls at these times; the last one matches."""
    memory = new_memory(recovery.state_spec((B, N, C)), next(iter(calls.values())).dtype, torch.device("cpu"))
    for time, output in calls.items():
        given = output.clone()
        recovery.observe(given, memory, at(time), reduction if time == list(calls)[-1] else None)
        given.fill_(float("nan"))  # a recovery must not keep what it is given
    return memory


def at(time: float) -> Time:
    return Time.at(torch.tensor(time))


@pytest.mark.parametrize("reduction", [SHARED, OWN], ids=["shared", "own"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("recovery", EVERY, ids=str)
def test_kept_tokens_keep_their_output(recovery: Recovery, reduction: Reduction, dtype: torch.dtype) -> None:
    *dense, now = outputs(4, dtype)
    memory = observed(recovery, dict(zip(TIMES, dense, strict=False)), reduction)
    before = {name: tensor.clone() for name, tensor in memory.items()}
    kept = reduction.merge(now)
    full = recovery.recover(kept, reduction, memory, at(0.3))
    assert full.dtype == dtype
    assert full.isfinite().all()
    assert torch.equal(reduction.merge(full), kept)
    assert all(torch.equal(memory[name], tensor) for name, tensor in before.items()), "it is only read"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_updated_cache_gives_each_token_its_last_own_output(dtype: torch.dtype) -> None:
    dense, *later = outputs(4, dtype)
    recovery = Cached(update=True)
    memory = observed(recovery, {1.0: dense})
    expected = [[dense[b, n] for n in range(N)] for b in range(B)]
    for reduction, now in zip((SHARED, OWN, SHARED), later, strict=True):
        kept = reduction.merge(now).requires_grad_()
        full = recovery.recover(kept, reduction, memory, at(0.3))
        for b in range(B):
            for token in reduction.kept[min(b, len(reduction.kept) - 1)].tolist():
                expected[b][token] = now[b, token]
        wanted = torch.stack([torch.stack(row) for row in expected])
        assert torch.equal(full, wanted)
        assert torch.equal(recovery.recall(memory, at(0.3)), wanted)
        assert not memory["output"].requires_grad
        full.detach().fill_(0)  # what is returned is not what is remembered


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("recovery", EVERY, ids=str)
def test_features_are_remembered_in_their_dtype_and_numbers_in_float32(recovery: Recovery, dtype: torch.dtype) -> None:
    memory = observed(recovery, dict(zip(TIMES, outputs(2, dtype), strict=False)), SHARED)
    spec = recovery.state_spec((B, N, C))
    assert {name: tuple(tensor.shape) for name, tensor in memory.items()} == spec
    assert all(t.dtype == (dtype if t.ndim == 3 else torch.float32) for t in memory.values())
    assert all(tensor.isfinite().all() for tensor in memory.values())


def test_copy_gives_each_removed_token_its_destination() -> None:
    (now,) = outputs(1)
    full = Copy().recover(OWN.merge(now), OWN, {}, at(0.0))
    for sample in range(B):
        for token in range(N):
            assert torch.equal(full[sample, token], now[sample, OWN.follows[sample, token]])


def test_copy_has_nothing_to_recall() -> None:
    with pytest.raises(SpecError, match="Copy remembers no output that it could recall. Use Cached"):
        Copy().recall({}, at(0.0))


def test_cached_gives_each_removed_token_its_own_last_output() -> None:
    first, last, now = outputs(3)
    recovery = Cached()
    memory = observed(recovery, {1.0: first, 0.5: last})
    full = recovery.recover(OWN.merge(now), OWN, memory, at(0.2))
    assert torch.equal(full, torch.where(OWN.is_kept.unsqueeze(-1), now, last))
    assert torch.equal(recovery.recall(memory, at(0.2)), last)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("calls", [1, 2, 3, 4])
def test_a_forecast_is_exact_for_a_polynomial_of_its_order(order: Any, calls: int) -> None:
    """Fewer dense calls than it needs give the order that they allow."""
    coefficients = outputs(3)
    degree = min(order, calls - 1)

    def polynomial(time: float) -> torch.Tensor:
        return sum((coefficients[k] * time**k for k in range(1, degree + 1)), coefficients[0])

    recovery = Forecast(order, "noise")
    memory = observed(recovery, {time: polynomial(time) for time in TIMES[:calls]})
    torch.testing.assert_close(recovery.recall(memory, at(-0.5)), polynomial(-0.5), rtol=1e-4, atol=1e-5)


def log_snr(share: float) -> float:
    """The logarithm of picture over noise; both ends of a generation are a thousandth away from them."""
    share = min(max(share, 0.001), 0.999)
    return math.log((1 - share) / share)


@pytest.mark.parametrize("variable", ["log_snr", "noise"])
@pytest.mark.parametrize("order", [1, 2])
def test_a_forecast_is_the_polynomial_through_the_last_outputs(order: Any, variable: Any) -> None:
    """Lagrange's form, by plain numbers."""
    place: Any = log_snr if variable == "log_snr" else float
    dense, time = outputs(4), place(0.05)
    recovery = Forecast(order, variable)
    memory = observed(recovery, dict(zip(TIMES, dense, strict=True)))
    points = list(zip(map(place, TIMES), dense, strict=True))[-order - 1 :]
    expected = torch.zeros(B, N, C)
    for i, (ti, output) in enumerate(points):
        weight = 1.0
        for j, (tj, _) in enumerate(points):
            weight *= (time - tj) / (ti - tj) if i != j else 1.0
        expected += weight * output
    torch.testing.assert_close(recovery.recall(memory, at(0.05)), expected, rtol=1e-4, atol=1e-5)


def test_between_a_line_and_a_parabola_a_forecast_has_a_share_of_the_bend() -> None:
    dense = dict(zip(TIMES, outputs(4), strict=True))
    line, parabola, between = (
        recovery.recall(observed(recovery, dense), at(0.05)) for recovery in (Forecast(1), Forecast(2), Forecast(1.25))
    )
    torch.testing.assert_close(between, 0.75 * line + 0.25 * parabola, rtol=1e-4, atol=1e-5)


def test_two_calls_at_one_time_tell_nothing_of_a_slope() -> None:
    first, last = outputs(2)
    for order in (1, 2):
        recovery = Forecast(order)
        memory = new_memory(recovery.state_spec((B, N, C)), torch.float32, torch.device("cpu"))
        for output in (first, last, last):
            recovery.observe(output, memory, at(0.5), None)
        assert torch.equal(recovery.recall(memory, at(0.1)), last)


@pytest.mark.parametrize("base", [Cached(), Forecast(1), Forecast(2)], ids=str)
@pytest.mark.parametrize("gain", [1.0, 0.5, "fitted"])
def test_a_delta_is_its_base_where_destinations_are_as_expected(base: Recovery, gain: Any) -> None:
    dense = dict(zip(TIMES, outputs(4), strict=True))
    recovery = Delta(base, gain)
    memory = observed(recovery, dense, OWN)
    expected = base.recall(observed(base, dense), at(0.05))
    assert torch.equal(recovery.recover(OWN.merge(expected), OWN, memory, at(0.05)), expected)
    assert torch.equal(recovery.recall(memory, at(0.05)), expected)


@pytest.mark.parametrize("reduction", [SHARED, OWN], ids=["shared", "own"])
@pytest.mark.parametrize("base", [Cached(), Forecast(1)], ids=str)
@pytest.mark.parametrize("gain", [1.0, 0.25, "fitted"])
def test_a_delta_by_plain_loops(base: Recovery, gain: Any, reduction: Reduction) -> None:
    *dense, now = outputs(4)
    calls = dict(zip(TIMES, dense, strict=False))
    recovery, time = Delta(base, gain), 0.3
    full = recovery.recover(reduction.merge(now), reduction, observed(recovery, calls, reduction), at(time))
    before = base.recall(observed(base, dict(list(calls.items())[:-1])), at(TIMES[2]))
    expected, missed = base.recall(observed(base, calls), at(time)), dense[2] - before
    for sample in range(B):
        follows = reduction.follows[sample % len(reduction.follows)].tolist()
        for token, dst in enumerate(follows):
            own, theirs = missed[sample, token].tolist(), missed[sample, dst].tolist()
            best = sum(a * b for a, b in zip(own, theirs, strict=True)) / sum(b * b for b in theirs)
            change = now[sample, dst] - expected[sample, dst]
            value = expected[sample, token] + (best if gain == "fitted" else gain) * change
            torch.testing.assert_close(full[sample, token], now[sample, token] if token == dst else value)


def test_gains_are_one_where_nothing_tells_them() -> None:
    """At the first dense call, and where the destination's forecast was right."""
    (first, now) = outputs(2)
    plain, fitted = Delta(), Delta(gain="fitted")
    for calls in ({1.0: first}, {1.0: first, 0.5: first}):
        results = [
            recovery.recover(OWN.merge(now), OWN, observed(recovery, calls, OWN), at(0.2))
            for recovery in (plain, fitted)
        ]
        assert torch.equal(*results)


def test_each_call_moves_every_output_by_one() -> None:
    """Memory is written in place, whatever the number of calls."""
    for recovery in WITH_MEMORY:
        memory = observed(recovery, {1.0: outputs(1)[0]}, OWN)
        places = {name: tensor.data_ptr() for name, tensor in memory.items()}
        for _, time in pairwise(TIMES):
            recovery.observe(outputs(2)[1], memory, at(time), OWN)
        assert {name: tensor.data_ptr() for name, tensor in memory.items()} == places


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Forecast(0), "order=0 must be a number from 1, a line, to 2, a parabola; order 0 is Cached"),
        (lambda: Forecast(1, "sigma"), "variable='sigma' is not known. Allowed: log_snr, noise"),
        (lambda: Delta(Copy()), r"base=Copy\(\) remembers nothing to start from"),
        (lambda: Delta(gain="best"), "gain='best' must be a number or 'fitted'"),
    ],
)
def test_what_a_recovery_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make()
