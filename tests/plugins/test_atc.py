"""ATC against plain loops written from its description."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from plugins.by_loops import Pairs, Row, assert_merges_and_copies, cosine, make_case, match, pairs_in, rows_of
from seeds import every_seed

from tokred import Layout, SpecError
from tokred.registry import build_method

LINKAGES = ("single", "complete", "average")


def apart(rows: list[Row], a: list[int], b: list[int], linkage: str) -> float:
    """The distance of two clusters, from all pairs of their tokens."""
    pairs = [1 - cosine(rows[i], rows[j]) for i in a for j in b]
    return {"single": min(pairs), "complete": max(pairs), "average": sum(pairs) / len(pairs)}[linkage]


def atc_by_loops(rows: list[Row], r: int, linkage: str) -> Pairs:
    """The tokens of one sample that are no longer the first of a cluster, and the first of theirs."""
    clusters = [[t] for t in range(len(rows))]
    for _ in range(r):
        between = {
            (i, j): apart(rows, clusters[i], clusters[j], linkage)
            for i in range(len(clusters))
            for j in range(i + 1, len(clusters))
        }
        i, j = min(between, key=lambda pair: between[pair])
        clusters[i] += clusters.pop(j)
    return {t: cluster[0] for cluster in clusters for t in cluster[1:]}


@every_seed
def test_clusters_equal_plain_loops(seed: int) -> None:
    case, linkage = make_case(seed, (((4, 4),), ((3, 5),), ((7, 3),), ((2, 2),), ((2, 4), (3, 3)))), LINKAGES[seed % 3]
    method = build_method("atc", {"linkage": linkage})
    r = case.integer(1, method.matcher.capacity(case.layout))
    reduction, _ = match(method, case, r)
    for sample in range(len(case.x)):
        pairs = atc_by_loops(rows_of(case.x[sample]), r, linkage)
        assert pairs_in(reduction, sample) == pairs
        assert_merges_and_copies(reduction, case, sample, pairs, "mean")


def test_a_token_that_is_not_a_number_is_joined_last() -> None:
    for linkage in LINKAGES:
        method, case = build_method("atc", {"linkage": linkage}), make_case(1)
        clean, _ = match(method, case, 20)
        case.x[0, 5] = float("nan")
        reduction, _ = match(method, case, case.layout.image - 2)
        assert reduction.is_kept[0, 5]
        assert reduction.sizes[0].min() == 1
        assert torch.equal(match(method, case, 20)[0].assign[1], clean.assign[1])


def test_more_than_4096_tokens_are_not_clustered() -> None:
    matcher = build_method("atc", {}).matcher
    assert matcher.capacity(Layout(grids=((64, 64),))) == 4095
    assert matcher.capacity(Layout(grids=((64, 65),))) == 0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"linkage": "ward"}, "linkage='ward' is not known. Allowed: single, complete, average"),
        ({"ratio": 1.5}, "ratio=1.5 must be a number in .0, 1."),
        ({"stages": (-0.1,)}, "must be at least one share of the blocks"),
        ({"sites": ("attn",)}, "signal='key' is known only after a site has run"),
    ],
)
def test_parameters_outside_the_range_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build_method("atc", params)
