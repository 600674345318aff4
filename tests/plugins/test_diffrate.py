"""DiffRate against plain loops written from its description."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from families.models import BY_NAME
from plugins.by_loops import Case, Pairs, Row, closest, make_case, match, pairs_in, row_of, rows_of
from seeds import every_seed

import tokred
from tokred import SiteInfo, SpecError
from tokred.registry import build_method
from tokred_plugins.diffrate import ImportanceMatcher


def diffrate_by_loops(rows: list[Row], r: int, pruned: int) -> tuple[dict[int, Row], Pairs]:
    """What each kept token holds, and whom each removed one follows."""
    keys = [row[1:] for row in rows]
    order = sorted(range(len(rows)), key=lambda t: -rows[t][0])
    kept, removed = order[: len(rows) - r], order[len(rows) - r :]
    pairs = {s: closest(keys, s, kept)[1] for s in removed}
    merged = removed[: r - pruned]
    held = {}
    for t in kept:
        group = [rows[t], *(rows[s] for s in merged if pairs[s] == t)]
        held[t] = [sum(column) / len(group) for column in zip(*group, strict=True)]
    return held, pairs


def ranked(seed: int) -> Case:
    """A case in which no two tokens are equally important in bfloat16."""
    case = make_case(seed)
    case.x[..., 0] = torch.stack([torch.randperm(case.layout.image, generator=case.generator) for _ in case.x])
    return case


@every_seed
def test_kept_merged_and_pruned_tokens_equal_plain_loops(seed: int) -> None:
    case, method = ranked(seed), build_method("diffrate", {})
    r = case.integer(1, method.matcher.capacity(case.layout))
    pruned = case.integer(0, r)
    matcher = ImportanceMatcher(pruned / r)
    reduction = matcher.match(case.x, (), r, method.similarity, {})
    found = reduction.merge(case.x, method.merge)  # type: ignore[arg-type]
    for sample in range(len(case.x)):
        held, pairs = diffrate_by_loops(rows_of(case.x[sample]), r, pruned)
        assert reduction.kept[sample].tolist() == sorted(held)
        assert pairs_in(reduction, sample) == pairs
        expected = torch.tensor([held[t] for t in sorted(held)])
        torch.testing.assert_close(found[sample], expected.to(found.dtype))


def test_each_block_leaves_as_many_tokens_as_its_own_rates_say() -> None:
    family = BY_NAME["vit"]
    model, tokens, left = family.model(), family.grid[0] * family.grid[1], []
    with tokred.apply(model, "diffrate", after_prune=(0.9, 1.0), after_merge=(0.7, 0.55)) as run:
        family.generate(model)
        left = [len(kept) for kept in run.kept_tokens().values()]
    first = math.ceil(0.7 * tokens)
    assert left == [first, math.ceil(0.55 * first)]


@pytest.mark.parametrize(("after_prune", "pruned"), [(0.8, 10), (1.0, 0), (0.5, 25)])
def test_the_plan_says_which_share_of_the_removed_is_pruned(after_prune: float, pruned: int) -> None:
    method = build_method("diffrate", {"after_prune": (after_prune,), "after_merge": (0.5,)})
    plan = method.scheduler.plan(0, 1, SiteInfo("blocks.0", "stream", 0, 12, row_of(50)), ())
    assert round(plan.ratio * 50) == 25
    assert plan.matcher == ImportanceMatcher(pruned / 25)


def test_all_kept_is_the_model_alone() -> None:
    family = BY_NAME["vit"]
    model = family.model()
    expected = family.generate(model)
    with pytest.warns(match="reduced nothing"), tokred.apply(model, "diffrate", after_prune=(1.0,), after_merge=(1.0,)):
        assert torch.equal(family.generate(model), expected)


def test_a_token_that_is_not_a_number_is_removed_and_stays_in_its_sample() -> None:
    method, case = build_method("diffrate", {}), ranked(1)
    clean, _ = match(method, case, 10)
    case.x[0, 5] = float("nan")
    reduction, _ = match(method, case, 10)
    assert not reduction.is_kept[0, 5]
    assert torch.equal(reduction.assign[1], clean.assign[1])


def test_rates_for_another_number_of_blocks_are_refused() -> None:
    family = BY_NAME["vit"]
    model = family.model()
    with (
        pytest.raises(SpecError, match="have 3 shares, and the model has 2 blocks. Give one share for each block"),
        tokred.apply(model, "diffrate", after_prune=(1.0, 0.9, 0.9), after_merge=(1.0, 0.8, 0.8)),
    ):
        family.generate(model)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"after_prune": (0.0,)}, r"after_prune=\(0.0,\) must be shares in \(0, 1\]"),
        ({"after_merge": ()}, r"after_merge=\(\) must be a tuple of numbers, at least one, such as \(0.9,\)"),
        ({"after_merge": 0.92}, "after_merge=0.92 must be a tuple of numbers, at least one"),
        ({"after_merge": (1.5,)}, r"after_merge=\(1.5,\) must be shares in \(0, 1\]"),
        ({"after_prune": (0.9, 0.9)}, "must be of one length: two shares for each block, or two for all"),
        ({"after_prune": (0.5,)}, r"after_merge=\(0.92,\) must be at most after_prune=\(0.5,\)"),
    ],
)
def test_rates_outside_the_range_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build_method("diffrate", params)


@pytest.mark.parametrize("pruned", [-0.1, 1.5, "half"])
def test_a_share_of_pruned_tokens_outside_the_range_is_refused(pruned: Any) -> None:
    with pytest.raises(SpecError, match="must be in .0, 1.: the share of removed tokens"):
        ImportanceMatcher(pruned)
