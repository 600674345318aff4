"""EViT against plain loops written from its description."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from plugins.by_loops import Case, Row, make_case, match, rows_of
from seeds import every_seed

from tokred import SpecError, WeightedReduction
from tokred.registry import build_method


def evit_by_loops(rows: list[Row], r: int, fuse: bool) -> tuple[dict[int, Row], int, set[int]]:
    """What each token holds that is left, the token in whose place the fused one is, and those that are gone."""
    attention = [sum(row) / len(row) for row in rows]  # of a head: the features stand for heads
    order = sorted(range(len(rows)), key=lambda t: -attention[t])
    kept, inattentive = order[: len(rows) - r - 1], order[len(rows) - r - 1 :]
    held = {t: rows[t] for t in kept}
    place = inattentive[0]
    total = [sum(attention[t] * rows[t][c] for t in inattentive) for c in range(len(rows[0]))]
    return held | {place: total if fuse else rows[place]}, place, set(inattentive[1:])


def attended(seed: int) -> Case:
    """A case whose features are positive, as attention is, and no two of them alike in bfloat16."""
    case = make_case(seed)
    x = case.x.float().softmax(dim=1)
    return Case(x.bfloat16() if seed % 4 == 3 else x, case.layout, case.generator)


@every_seed
def test_kept_and_fused_tokens_equal_plain_loops(seed: int) -> None:
    case, fuse = attended(seed), seed % 2 == 0
    method = build_method("evit", {"fuse": fuse})
    r = case.integer(1, method.matcher.capacity(case.layout))
    reduction, _ = match(method, case, r)
    assert isinstance(reduction, WeightedReduction)
    merged = reduction.merge(case.x, method.merge)  # type: ignore[arg-type]
    for sample in range(len(case.x)):
        held, place, gone = evit_by_loops(rows_of(case.x[sample]), r, fuse)
        assert reduction.kept[sample].tolist() == sorted(held)
        assert {t for t, d in enumerate(reduction.follows[sample].tolist()) if d == place} == gone | {place}
        expected = torch.tensor([held[t] for t in sorted(held)])
        torch.testing.assert_close(merged[sample], expected.to(merged.dtype))


def test_a_token_that_is_not_a_number_is_fused_and_stays_in_its_sample() -> None:
    method, case = build_method("evit", {}), attended(1)
    clean, _ = match(method, case, 10)
    case.x[0, 5] = float("nan")
    reduction, _ = match(method, case, 10)
    assert not reduction.is_kept[0, 5]
    assert torch.equal(reduction.assign[1], clean.assign[1])


def test_a_fused_token_keeps_the_sum_of_its_attention_where_tokens_stand_for_several() -> None:
    method, case = build_method("evit", {}), attended(0)
    reduction, _ = match(method, case, 6)
    sizes = torch.ones(1, case.layout.image)
    torch.testing.assert_close(reduction.merge(case.x, "weighted", sizes), reduction.merge(case.x, "mean"))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"ratio": 1.0}, "ratio=1.0 must be a number in .0, 1."),
        ({"stages": ()}, r"at=\(\) must be a tuple of numbers, at least one, such as \(0.9,\)"),
        ({"stages": (0.5, 0.25)}, "must be at least one share of the blocks"),
        ({"stages": (0.5, 1.0)}, "must be at least one share of the blocks"),
        ({"sites": ("attn",)}, "signal='class_attention' is known only after a site has run"),
    ],
)
def test_parameters_outside_the_range_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build_method("evit", params)
