"""Token Pooling against plain loops written from its description."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from plugins.by_loops import Pairs, Row, assert_merges_and_copies, make_case, match, pairs_in, rows_of
from seeds import every_seed

from tokred import Layout, SpecError
from tokred.parts import Euclidean
from tokred.registry import build_method


def squared(a: Row, b: Row) -> float:
    """The squared distance of two tokens."""
    return sum((p - q) ** 2 for p, q in zip(a, b, strict=True))


def first_least(group: list[int], cost: Callable[[int], float]) -> int:
    """The token of the least cost; the first of those that are equal but for rounding, as both of any two are."""
    least = min(cost(t) for t in group)
    return next(t for t in group if cost(t) <= least * (1 + 1e-4))


def centre_token(rows: list[Row], group: list[int], mean: Row, centres: str) -> int:
    """The token nearest to the mean, or the medoid: that with the least sum of squared distances to all."""
    if centres == "means":
        return first_least(group, lambda t: squared(rows[t], mean))
    offset = len(group) * sum(squared(rows[t], mean) for t in group)
    return first_least(group, lambda t: len(group) * sum(squared(rows[t], rows[u]) for u in group) - offset)


def pooled_by_loops(rows: list[Row], k: int, centres: str, rounds: int) -> Pairs:
    """The tokens of one sample that are removed, and the token that stands for each one's cluster."""
    n = len(rows)
    anchors = [(2 * i + 1) * n // (2 * k) for i in range(k)]
    points = [rows[a] for a in anchors]
    for _ in range(rounds):
        clusters: list[list[int]] = [[] for _ in range(k)]
        for t in range(n):
            distances = [squared(rows[t], point) for point in points]
            clusters[anchors.index(t) if t in anchors else distances.index(min(distances))].append(t)
        means = [[sum(rows[t][c] for t in group) / len(group) for c in range(len(rows[0]))] for group in clusters]
        anchors = [centre_token(rows, group, mean, centres) for group, mean in zip(clusters, means, strict=True)]
        points = means if centres == "means" else [rows[a] for a in anchors]
    return {t: anchor for group, anchor in zip(clusters, anchors, strict=True) for t in group if t != anchor}


@every_seed
def test_clusters_equal_plain_loops(seed: int) -> None:
    case, centres, rounds = make_case(seed), ("medoids", "means")[seed % 2], 1 + seed // 2 % 3
    method = build_method("token_pooling", {"centres": centres, "rounds": rounds})
    r = case.integer(1, method.matcher.capacity(case.layout))
    reduction, _ = match(method, case, r)
    for sample in range(len(case.x)):
        pairs = pooled_by_loops(rows_of(case.x[sample]), case.layout.image - r, centres, rounds)
        assert pairs_in(reduction, sample) == pairs
        assert_merges_and_copies(reduction, case, sample, pairs, method.merge)  # type: ignore[arg-type]


@pytest.mark.parametrize("centres", ["medoids", "means"])
def test_more_rounds_never_leave_the_tokens_farther_from_their_centres(centres: str) -> None:
    case = make_case(1)
    error = []
    for rounds in (1, 2, 4, 8):
        method = build_method("token_pooling", {"centres": centres, "rounds": rounds})
        reduction, _ = match(method, case, 40)
        pooled = reduction.unmerge(reduction.merge(case.x, method.merge))  # type: ignore[arg-type]
        error.append((case.x - pooled).square().sum().item())
    assert error == sorted(error, reverse=True)
    assert error[-1] < error[0]


def test_equal_tokens_make_as_many_clusters() -> None:
    for x in (torch.ones(2, 24, 3), torch.zeros(2, 24, 3), torch.full((2, 24, 3), torch.nan)):
        matcher = build_method("token_pooling", {}).matcher
        method = build_method("token_pooling", {})
        draw = matcher.draw(Layout(((4, 6),)), 17, torch.Generator())
        made = matcher.match(x, draw, 17, method.similarity, {})
        assert made.computed == 7
        assert made.sizes.sum(dim=1).tolist() == [24, 24]


def test_a_token_that_is_not_a_number_is_no_centre_and_stays_in_its_sample() -> None:
    method, case = build_method("token_pooling", {}), make_case(1)
    clean, draw = match(method, case, 30)
    for seed_token in draw[0].tolist():
        broken = make_case(1)
        broken.x[0, seed_token] = float("nan")
        reduction, _ = match(method, broken, 30)
        followers = (reduction.follows[0] == seed_token).sum().item()
        assert followers <= 1
        assert torch.equal(reduction.assign[1], clean.assign[1])


def test_euclidean_similarity_is_minus_the_squared_distance() -> None:
    src, dst = torch.randn(2, 3, 4, dtype=torch.float64), torch.randn(2, 5, 4, dtype=torch.float64)
    scores = Euclidean().scores(src, dst)
    assert scores.dtype == torch.float32
    torch.testing.assert_close(scores, -torch.cdist(src, dst).square().float())


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"centres": "modes"}, "centres='modes' is not known. Allowed: means, medoids"),
        ({"rounds": 0}, "rounds=0 must be an integer of at least 1: how often tokens are assigned to centres"),
        ({"ratio": 1.0}, "ratio=1.0 must be a number in .0, 1."),
        ({"stages": (0.5, 0.5)}, "must be at least one share of the blocks"),
    ],
)
def test_parameters_outside_the_range_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build_method("token_pooling", params)


def test_an_unknown_signal_is_refused() -> None:
    with pytest.raises(SpecError, match="Unknown signal 'heat'"):
        Euclidean("heat")  # type: ignore[arg-type]
