"""ToFu against plain loops written from its description."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from families.models import BY_NAME
from plugins.by_loops import SITE, assert_merges_and_copies, make_case, match, most_similar, pairs_in, rows_of
from seeds import every_seed

import tokred
from tokred import SpecError
from tokred.registry import build_method


@every_seed
def test_early_blocks_prune_and_later_ones_merge_at_full_length(seed: int) -> None:
    case = make_case(seed)
    method = build_method("tofu", {"ratio": 0.25, "early": (0.0, 0.25, 0.5, 1.0)[seed % 4]})
    r = case.integer(1, method.matcher.capacity(case.layout))
    reduction, draw = match(method, case, r)
    dst = draw[0].tolist()
    src = [t for t in range(case.layout.image) if t not in dst]
    depth = case.integer(0, 3)
    mode = "prune" if depth < (0, 1, 2, 4)[seed % 4] else "mlerp"
    assert method.merge_at(replace(SITE, depth=depth)) == mode
    for sample in range(len(case.x)):
        pairs = most_similar(rows_of(case.x[sample]), src, dst, r)
        assert pairs_in(reduction, sample) == pairs
        assert_merges_and_copies(reduction, case, sample, pairs, mode)


@pytest.mark.parametrize("early", [-0.1, 1.5, "half"])
def test_a_share_of_blocks_outside_the_range_is_refused(early: Any) -> None:
    with pytest.raises(SpecError, match=rf"early={early!r} must be in \[0, 1\]: the share of the blocks that prune"):
        build_method("tofu", {"early": early})


def test_a_group_is_as_long_as_its_longest_token() -> None:
    case = make_case(1)
    reduction, _ = match(build_method("tofu", {}), case, 30)
    merged = reduction.merge(case.x, "mlerp").norm(dim=2)
    longest = torch.zeros_like(merged).scatter_reduce(1, reduction.assign, case.x.norm(dim=2), "amax")
    torch.testing.assert_close(merged, longest)


def test_each_site_merges_by_its_own_block() -> None:
    family = BY_NAME["flux"]
    model = family.model()
    with tokred.apply(model, "tofu", early=0.75) as run:
        assert [site.merge for site in run._sites] == ["prune", "prune", "prune", "mlerp"]
        family.generate(model)
