"""A schedule over blocks, each with a matcher of its own."""

from __future__ import annotations

import pytest

from tokred import Method, Phase, SiteInfo, SpecError, read_method, save_method
from tokred.parts import Copy, Cosine, GridMatcher, RandomMatcher, Stages

MATCHERS = (GridMatcher(), RandomMatcher())


def test_each_stage_matches_by_its_own_matcher() -> None:
    plans = [Stages(0.5, (0.25, 0.5), MATCHERS).plan(0, 1, SiteInfo("", "mlp", d, 4), ()) for d in range(4)]
    assert [plan.phase for plan in plans] == [Phase.DENSE, Phase.MATCH_REDUCE, Phase.MATCH_REDUCE, Phase.DENSE]
    assert [plan.matcher for plan in plans] == [None, *MATCHERS, None]


def test_another_number_of_matchers_is_refused() -> None:
    with pytest.raises(SpecError, match="matchers are 2, and at=.* names 3 blocks: give one for each, or none"):
        Stages(0.5, (0.25, 0.5, 0.75), MATCHERS)


def test_two_stages_in_one_block_are_refused() -> None:
    with pytest.raises(SpecError, match="names 1 of 2 blocks, and there are 2 matchers: one would not be asked"):
        Stages(0.5, (0.5, 0.75), MATCHERS).plan(0, 1, SiteInfo("", "mlp", 0, 2), ())


def test_a_method_with_a_matcher_for_each_stage_comes_back_from_a_file(tmp_path: object) -> None:
    path = f"{tmp_path}/saved.json"
    method = Method(
        similarity=Cosine(),
        matcher=GridMatcher(),
        scheduler=Stages(0.5, (0.25, 0.5), MATCHERS),
        recovery=Copy(),
        sites=("mlp",),
    )
    save_method(method, path)
    assert read_method(path) == method
