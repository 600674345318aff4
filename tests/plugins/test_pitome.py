"""PiToMe against plain loops written from its description."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from families.models import VITS, Family
from plugins.by_loops import (
    Pairs,
    Row,
    assert_merges_and_copies,
    closest,
    cosine,
    make_case,
    match,
    pairs_in,
    row_of,
    rows_of,
)
from seeds import every_seed

import tokred
from tokred import Method, SiteInfo, SpecError
from tokred.registry import build_method
from tokred_plugins.pitome import EnergyMatcher, FallingMargin

pytestmark = pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")


def energy(rows: list[Row], token: int, margin: float, alpha: float) -> float:
    """The mean over all tokens of how much each is like this one, beyond a margin."""
    beyond = [cosine(rows[token], row) - margin for row in rows]
    return sum(b if b > 0 else alpha * (math.exp(b) - 1) for b in beyond) / len(rows)


def by_energy(rows: list[Row], r: int, margin: float, alpha: float) -> Pairs:
    """The pairs among the 2 r tokens of greatest energy."""
    ranked = sorted(range(len(rows)), key=lambda t: -energy(rows, t, margin, alpha))[: 2 * r]
    return {src: closest(rows, src, ranked[1::2])[1] for src in ranked[::2]}


@every_seed
def test_tokens_of_great_energy_are_merged_among_themselves(seed: int) -> None:
    case = make_case(seed)
    margin, alpha = (0.9, 0.45, 0.0, -0.2)[seed % 4], (1.0, 0.3)[seed % 2]
    method = replace(build_method("pitome", {}), matcher=EnergyMatcher(margin, alpha))
    assert isinstance(method, Method)
    r = case.integer(1, method.matcher.capacity(case.layout))
    reduction, _ = match(method, case, r)
    for sample in range(len(case.x)):
        pairs = by_energy(rows_of(case.x[sample]), r, margin, alpha)
        assert pairs_in(reduction, sample) == pairs
        assert_merges_and_copies(reduction, case, sample, pairs, "mean")


def test_tokens_that_stand_alone_are_protected() -> None:
    """Three directions: five tokens alike, two alike, one alone."""
    x = torch.eye(3)[[0, 0, 1, 0, 2, 0, 1, 0]][None]
    matcher = EnergyMatcher()
    made = matcher.match(x, (), 2, build_method("pitome", {}).similarity, {})
    assert made.kept[0].tolist() == [1, 2, 4, 5, 6, 7]
    assert made.follows[0].tolist() == [1, 1, 2, 1, 4, 5, 6, 7]


def test_the_margin_falls_and_a_share_of_what_is_left_goes() -> None:
    scheduler, left, margins, counts = FallingMargin(0.1), 196, [], []
    for depth in range(6):
        plan = scheduler.plan(0, 1, SiteInfo("", "stream", depth, 6, row_of(left)), ())
        counts.append(round(plan.ratio * left))
        margins.append(plan.matcher.margin)  # type: ignore[union-attr]
        left -= counts[-1]
    assert counts == [19, 17, 16, 14, 13, 11]
    assert margins == pytest.approx([0.9, 0.75, 0.6, 0.45, 0.3, 0.15])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"ratio": 0.6}, r"ratio=0.6 must be in \[0, 0.5\]"),
        ({"ratio": "half"}, r"ratio='half' must be in"),
        ({"margin": 2.0}, r"margin=2.0 must be in \[-1, 1\]: a cosine"),
        ({"alpha": -1.0}, "alpha=-1.0 must be a finite number of at least 0"),
    ],
)
def test_parameters_out_of_range_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build_method("pitome", params)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("family", VITS, ids=str)
def test_it_merges_for_good(family: Family, dtype: torch.dtype) -> None:
    model = family.model(dtype)
    dense = family.generate(model)
    with tokred.apply(model, "pitome", ratio=0.0):
        assert torch.equal(family.generate(model), dense)
    with tokred.apply(model, "pitome", ratio=0.25) as run:
        reduced = family.generate(model)
        computed = [call.layout.image - call.removed for call in run.report().calls]
    assert computed == [48, 36, 36, 27]
    assert reduced.isfinite().all()
    assert not torch.equal(reduced, dense)
