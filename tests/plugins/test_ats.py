"""ATS against plain loops written from its description."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from plugins.by_loops import Case, Pairs, make_case, match, pairs_in, rows_of
from seeds import every_seed

from tokred import Layout, SpecError
from tokred.registry import build_method


def significant(seed: int) -> Case:
    """A case whose features are positive, as significances are: even, or a few much greater than the others."""
    case = make_case(seed)
    x = (case.x.float() * (0.1, 1.0, 3.0)[seed % 3]).exp()
    return Case(x.bfloat16() if seed % 4 == 3 else x, case.layout, case.generator)


def sampled_by_loops(significance: list[float], k: int) -> list[int]:
    """The k tokens that are hit, in the order of significance; near its border a point may fall on either side."""
    order = sorted(range(len(significance)), key=lambda t: -significance[t])
    certain = 0
    while (k - certain) * significance[order[certain]] > sum(significance[t] for t in order[certain:]):
        certain += 1  # it would be hit more than once
    spacing = sum(significance[t] for t in order[certain:]) / (k - certain)
    hit, reached, point = order[:certain], 0.0, 0.5
    for token in order[certain:]:
        reached += significance[token] / spacing
        if reached >= point and len(hit) < k:
            hit.append(token)
            point += 1
    return hit


def ats_by_loops(significance: list[float], k: int) -> Pairs:
    """The removed tokens of one sample and whom each follows."""
    hit = sampled_by_loops(significance, k)
    order = sorted(range(len(significance)), key=lambda t: -significance[t])
    pairs = {}
    for place, token in enumerate(order):
        if token not in hit:
            later = [t for t in order[place:] if t in hit]
            pairs[token] = later[0] if later else [t for t in order if t in hit][-1]
    return pairs


def paper_by_loops(significance: list[float], points: int) -> set[int]:
    """The paper's sampling: tokens on whose share of the cumulative sum a point falls, each once."""
    order, total = sorted(range(len(significance)), key=lambda t: -significance[t]), sum(significance)
    found = set()
    for point in range(points):
        reached = 0.0
        for token in order:
            reached += significance[token] / total
            if reached >= (point + 0.5) / points:
                found.add(token)
                break
    return found


@every_seed
def test_sampled_tokens_equal_plain_loops(seed: int) -> None:
    method, case = build_method("ats", {}), significant(seed)
    r = case.integer(1, method.matcher.capacity(case.layout))
    reduction, _ = match(method, case, r)
    for sample in range(len(case.x)):
        significance = [sum(row) for row in rows_of(case.x[sample])]
        assert pairs_in(reduction, sample) == ats_by_loops(significance, case.layout.image - r)
        kept = case.x[sample].index_select(0, reduction.kept[sample])
        assert torch.equal(reduction.merge(case.x)[sample], kept), "the rows of kept tokens are as attention made them"


@every_seed
def test_where_no_token_is_hit_twice_it_is_the_sampling_of_the_paper(seed: int) -> None:
    method, case = build_method("ats", {}), significant(3 * seed)  # even significances
    k = max(1, case.layout.image // 3)
    reduction, _ = match(method, case, case.layout.image - k)
    for sample in range(len(case.x)):
        significance = [sum(row) for row in rows_of(case.x[sample])]
        if k * max(significance) <= sum(significance):
            assert set(reduction.kept[sample].tolist()) == paper_by_loops(significance, k)


@pytest.mark.parametrize("value", [0.0, 1.0, float("nan"), float("inf"), -1.0])
def test_as_many_tokens_are_kept_where_all_are_alike(value: float) -> None:
    matcher = build_method("ats", {}).matcher
    for tokens in (2, 7, 64):
        for r in range(1, tokens):
            made = matcher.match(torch.full((2, tokens, 1), value), (), r, None, {})
            assert made.computed == tokens - r
            assert (made.kept.diff(dim=1) > 0).all()


def test_a_token_that_is_not_a_number_is_removed_and_stays_in_its_sample() -> None:
    method, case = build_method("ats", {}), significant(1)
    clean, _ = match(method, case, 10)
    case.x[0, 5] = float("nan")
    reduction, _ = match(method, case, 10)
    assert not reduction.is_kept[0, 5]
    assert torch.equal(reduction.assign[1], clean.assign[1])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"ratio": -0.1}, "ratio=-0.1 must be a number in .0, 1."),
        ({"stages": ("a",)}, "must be a tuple of numbers, at least one"),
        ({"sites": ("block",)}, "signal='significance' is known only after a site has run"),
    ],
)
def test_parameters_outside_the_range_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build_method("ats", params)


@pytest.mark.parametrize("grid", [(1, 1), (1, 7), (3, 5)])
def test_all_but_one_token_can_be_removed(grid: tuple[int, int]) -> None:
    assert build_method("ats", {}).matcher.capacity(Layout((grid,))) == grid[0] * grid[1] - 1
