"""The other parts: cosine, random pairs, schedules."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tokred import Layout, Phase, Plan, SiteInfo, SpecError
from tokred.parts import Cosine, EveryStep, Interval, RandomMatcher

SITE = SiteInfo("blocks.0", "block", 0, 1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_cosine_is_the_cosine_in_float32(dtype: torch.dtype) -> None:
    src, dst = torch.randn(2, 5, 8).to(dtype), torch.randn(2, 3, 8).to(dtype)
    scores = Cosine().scores(src, dst)
    assert scores.dtype == torch.float32
    expected = torch.nn.functional.cosine_similarity(src.double()[:, :, None], dst.double()[:, None], dim=-1)
    torch.testing.assert_close(scores.double(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-15, 1.0, 1e15])
def test_cosine_does_not_depend_on_length(scale: float) -> None:
    x = torch.randn(1, 4, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(Cosine().scores(x * scale, x), Cosine().scores(x, x))


def test_cosine_of_a_zero_token_is_zero() -> None:
    assert Cosine().scores(torch.zeros(1, 1, 4), torch.randn(1, 3, 4)).tolist() == [[[0.0, 0.0, 0.0]]]


def test_an_unknown_signal_is_named() -> None:
    with pytest.raises(SpecError, match="Unknown signal 'outputs'"):
        Cosine("outputs")  # type: ignore[arg-type]


def test_random_pairs_follow_the_generator_and_nothing_else() -> None:
    layout, matcher = Layout(((5, 5),)), RandomMatcher()
    draws = [matcher.draw(layout, 10, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    first, again, other = [matcher.match(torch.zeros(2, 25, 1), draw, 10, Cosine(), {}) for draw in draws]
    assert torch.equal(first.assign, again.assign)
    assert not torch.equal(first.assign, other.assign)
    assert first.computed == 15
    assert matcher.capacity(layout) == 24


def test_every_step_matches_and_reduces_always() -> None:
    assert {EveryStep(0.3).plan(step, 5, SITE, ()) for step in range(5)} == {Plan(Phase.MATCH_REDUCE, 0.3)}


@pytest.mark.parametrize(
    ("interval", "dense_first", "phases"),
    [(2, 1, "MRMRMR"), (3, 1, "MRRMRR"), (2, 3, "DDMRMR"), (4, 2, "DMRRRM"), (9, 1, "MRRRRR")],
)
def test_interval_spells_out_its_phases(interval: int, dense_first: int, phases: str) -> None:
    schedule = Interval(0.5, interval, dense_first)
    letters = {Phase.DENSE: "D", Phase.MATCH: "M", Phase.REDUCE: "R"}
    assert "".join(letters[schedule.plan(step, 6, SITE, ()).phase] for step in range(6)) == phases


@pytest.mark.parametrize("ratio", [-0.1, 1.2, float("nan"), "0.5"])
@pytest.mark.parametrize("make", [EveryStep, Interval])
def test_ratios_outside_the_range_are_refused(make: Any, ratio: float) -> None:
    with pytest.raises(SpecError, match=rf"ratio={ratio!r} must be a number in \[0, 1"):
        make(ratio)


def test_only_what_has_dense_steps_may_remove_all() -> None:
    assert (Interval(1.0).skips, Interval(0.5).skips, EveryStep(0.5).skips) == (True, False, False)
    with pytest.raises(SpecError, match=r"ratio=1.0 must be a number in \[0, 1\)"):
        EveryStep(1.0)


@pytest.mark.parametrize(("name", "value"), [("interval", 1), ("dense_first", 0), ("interval", 2.5)])
def test_intervals_outside_the_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(SpecError, match=f"{name}={value} must be an integer of at least"):
        Interval(0.5, **{name: value})  # type: ignore[arg-type]
