"""SiTo against plain loops written from its description."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from plugins.by_loops import (
    Pairs,
    Row,
    all_cells,
    assert_merges_and_copies,
    closest,
    cosine,
    make_case,
    match,
    most_similar,
    pairs_in,
    rows_of,
)
from seeds import every_seed

from tokred import Layout, SpecError
from tokred.registry import build_method

STRIDES = ((2, 2), (1, 2), (2, 1), (2, 3))


def sito_by_loops(rows: list[Row], cells: list[list[int]], noise: list[float], r: int, recover: str) -> Pairs:
    """The pruned tokens of one sample and whom each follows."""
    score = [sum(cosine(x, y) for y in rows) + e for x, e in zip(rows, noise, strict=True)]
    bases = [max(cell, key=lambda t: (score[t], -t)) for cell in cells]
    others = [t for t in range(len(rows)) if t not in bases]
    pairs = most_similar(rows, others, sorted(bases), r)
    kept = [t for t in range(len(rows)) if t not in pairs]
    return {t: closest(rows, t, kept)[1] for t in pairs} if recover == "kept" else pairs


@every_seed
def test_pruned_tokens_equal_plain_loops(seed: int) -> None:
    case = make_case(seed)
    stride = STRIDES[seed % 4] if case.layout.image > 4 else (2, 2)
    recover, weight = ("kept", "base")[seed // 2 % 2], (0.0, 0.1, 5.0)[seed % 3]
    method = build_method("sito", {"ratio": 0.5, "stride": stride, "noise": weight, "recover": recover})
    r = case.integer(1, method.matcher.capacity(case.layout))
    reduction, (_, noise) = match(method, case, r)
    for sample in range(len(case.x)):
        rows, drawn = rows_of(case.x[sample]), [weight * e for e in noise.double().tolist()]
        pairs = sito_by_loops(rows, all_cells(case.layout, stride), drawn, r, recover)
        assert pairs_in(reduction, sample) == pairs
        assert_merges_and_copies(reduction, case, sample, pairs, "prune")


def test_chunks_do_not_change_the_match(monkeypatch: pytest.MonkeyPatch) -> None:
    method = build_method("sito", {})
    whole, _ = match(method, make_case(1), 20)
    monkeypatch.setattr("tokred.parts.pairing.CHUNK_SCORES", 100)
    assert torch.equal(match(method, make_case(1), 20)[0].assign, whole.assign)


def test_a_token_that_is_not_a_number_stays_local() -> None:
    method, case = build_method("sito", {}), make_case(1)
    clean, _ = match(method, case, 20)
    broken = make_case(1)
    broken.x[0, 5] = float("nan")
    reduction, _ = match(method, broken, 20)
    assert torch.equal(reduction.assign[1], clean.assign[1])
    assert reduction.is_kept[0, 5]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"noise": -1.0}, "noise=-1.0 must be a finite number of at least 0; 0 means no noise"),
        ({"noise": float("nan")}, "noise=nan must be a finite number of at least 0"),
        ({"recover": "all"}, "recover='all' is not known. Allowed: kept, base"),
        ({"stride": (2,)}, "stride=.2,. must be a pair .sy, sx. of whole numbers"),
        ({"ratio": 0.8}, "ratio=0.8 for method 'sito' is too much"),
    ],
)
def test_parameters_outside_the_range_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build_method("sito", params)


@pytest.mark.parametrize(("grid", "capacity"), [((1, 8), 0), ((2, 2), 3), ((12, 20), 180), ((3, 3), 8)])
def test_grids_need_not_be_square(grid: tuple[int, int], capacity: int) -> None:
    assert build_method("sito", {}).matcher.capacity(Layout((grid,))) == capacity
