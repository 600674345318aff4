"""What a recording matcher remembers is what was removed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

import tokred
from tokred import Layout, Matcher
from tokred.analysis.selection import Recording
from tokred.parts import Cosine, FrequencyPenalty, GridMatcher, RandomMatcher
from tokred.registry import build_method
from tokred.zoo import ZooModel
from tokred.zoo.load import load


def test_matches_as_the_matcher_that_it_holds() -> None:
    matcher = GridMatcher(penalty=FrequencyPenalty(source=0.1))
    recording, layout = Recording(matcher), Layout(((4, 4),))
    assert isinstance(recording, Matcher)
    assert (recording.max_ratio, recording.capacity(layout)) == (0.75, 12)
    assert recording.state_spec((2, 16)) == {"removed": (2, 16)}
    x, memories = torch.randn(2, 16, 3), [{"removed": torch.zeros(2, 16)} for _ in range(2)]
    draws = [m.draw(layout, 8, torch.Generator().manual_seed(1)) for m in (matcher, recording)]
    plain, recorded = (
        m.match(x, d, 8, Cosine(), mem) for m, d, mem in zip((matcher, recording), draws, memories, strict=True)
    )
    assert torch.equal(plain.assign, recorded.assign)
    assert torch.equal(recording.selected(sites=1, generations=2)[0, 0].bool(), ~plain.is_kept)
    assert recording.removed == []


def test_halves_of_guidance_count_half_and_shared_pairs_count_for_all() -> None:
    recording, x = Recording(GridMatcher()), torch.randn(4, 16, 3)
    draw = recording.draw(Layout(((4, 4),)), 8, torch.Generator().manual_seed(1))
    kept = [recording.match(x, draw, 8, Cosine(), {}).is_kept for _ in range(2)]
    selected = recording.selected(sites=2, generations=2)
    removed = (~kept[0]).float()
    assert torch.equal(selected, ((removed[:2] + removed[2:]) / 2).expand(1, 2, 2, 16))
    shared = Recording(RandomMatcher())
    draw = shared.draw(Layout(((4, 4),)), 8, torch.Generator().manual_seed(1))
    one = shared.match(x, draw, 8, Cosine(), {})
    assert torch.equal(shared.selected(1, 3), (~one.is_kept).float().expand(1, 1, 3, 16))


@pytest.mark.parametrize("name", ["tiny-dit", "tiny-flux"])
def test_sites_and_matches_of_a_run_are_told_apart(tiny_models: Path, name: str) -> None:
    model = ZooModel.read(tiny_models / name)
    pipe, method = load(model), build_method("dito", {"interval": 3})
    recording = Recording(method.matcher)
    with tokred.apply(pipe, dataclasses.replace(method, matcher=recording)) as run:
        pictures = model.generate(pipe, [1, 2], 8)
        selected = recording.selected(len(run.sites), 2)
        kept, matches = run.kept_tokens(), run.report().matches
    assert selected.shape == (len(matches), len(kept), 2, 16)
    for place, tokens in enumerate(kept.values()):  # of the last match, the first sample
        assert (selected[-1, place, 0] == 0).nonzero().flatten().tolist() == sorted(tokens)
    with tokred.apply(pipe, method):
        assert torch.equal(model.generate(pipe, [1, 2], 8), pictures)
