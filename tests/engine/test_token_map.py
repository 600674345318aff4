"""Maps of what a run kept show the first sample's tokens, in their places, step by step; and so do its pictures."""

from __future__ import annotations

import pytest
import torch
from bench.tiny import TinySubject

import tokred
from tokred import Run, SpecError, TokenMap, token_map
from tokred.engine.token_map import as_map

STEPS = 5


def reduced(subject: TinySubject) -> Run:
    """Steps 0 and 1 are dense, then every second one reduces: 2 and 4, each by a match of its own."""
    return tokred.apply(subject.model, "dito", ratio=0.5, interval=2, dense_first=2)


@pytest.fixture
def subject() -> TinySubject:
    return TinySubject()


def test_a_map_of_the_middle_site(subject: TinySubject) -> None:
    with reduced(subject) as run:
        assert token_map(run) is None
        subject.generate([3, 4], STEPS)
        shown = token_map(run)
        assert shown is not None
        assert shown.site == run.sites[2] == "transformer_blocks.1.attn1"
        assert shown.kept.shape == (8, 8)
        assert shown.kept.flatten().nonzero()[:, 0].tolist() == run.kept_tokens()[shown.site]


def test_maps_say_what_was_computed_at_each_step(subject: TinySubject) -> None:
    with reduced(subject) as run:
        subject.generate([3], STEPS)
        report = run.report()
        assert token_map(run, STEPS) is None
        assert [each.step for each in report.token_maps] == list(range(STEPS))
        for shown in report.token_maps:
            (call,) = (c for c in report.calls if c.position.step == shown.step and c.site.name == shown.site)
            assert int(shown.kept.sum()) == 64 - call.removed
            found = token_map(run, shown.step)
            assert found is not None
            assert torch.equal(found.kept, shown.kept)
        assert [each.partial for each in report.token_maps] == [False, False, True, False, True]
        assert not torch.equal(report.token_maps[2].kept, report.token_maps[4].kept), "there was a match between"


def test_a_map_of_a_skipped_step_is_dark(subject: TinySubject) -> None:
    with tokred.apply(subject.model, "step_cache", program="D 1 D 1 1") as run:
        subject.generate([3], STEPS)
        report = run.report()
        assert [int(each.kept.sum()) for each in report.token_maps] == [64, 0, 64, 0, 0]
        assert report.computed == {0: 1, 1: 0, 2: 1, 3: 0, 4: 0}
        assert token_map(run) is None


def test_a_notebook_shows_token_counts_and_maps_of_each_step(subject: TinySubject) -> None:
    with reduced(subject) as run:
        assert "nothing has been planned yet" in run.report()._repr_html_()
        subject.generate([3], STEPS)
        report = run.report()
    page = report._repr_html_()
    assert page.count("<tr>") == 1 + STEPS
    assert page.count("data:image/png;base64,") == STEPS
    computed = sum(64 - call.removed for call in report.calls if call.position.step == 2)
    assert f"{computed} of {64 * len(run.sites)}" in page


def test_a_plot_has_a_bar_and_a_map_for_each_step(subject: TinySubject) -> None:
    with reduced(subject) as run:
        with pytest.raises(SpecError, match="dito has computed nothing yet: draw something first"):
            run.plot()
        subject.generate([3], STEPS)
        figure, report = run.plot(), run.report()
    bars, *panels = figure.get_axes()
    assert [bar.get_height() for bar in bars.patches] == list(report.computed.values())
    drawn = [torch.as_tensor(panel.images[0].get_array().data) for panel in panels]
    assert all(torch.equal(x.bool(), each.kept) for x, each in zip(drawn, report.token_maps, strict=True))


def test_nothing_removed_is_no_map(subject: TinySubject) -> None:
    run = tokred.apply(subject.model, "dito", ratio=0.0)
    subject.generate([3], 4)
    assert token_map(run) is None
    run.remove()


def test_removed_tokens_are_dark() -> None:
    kept = torch.tensor([[True, False], [False, True]])
    dark = TokenMap(0, "a", kept).over(torch.ones(3, 4, 6))
    assert dark.shape == (3, 4, 6)
    assert dark[:, :2, :3].eq(1).all()
    assert dark[:, 2:, 3:].eq(1).all()
    assert dark[:, :2, 3:].lt(0.5).all()
    assert dark[:, 2:, :3].lt(0.5).all()


def test_frames_of_a_video_lie_side_by_side() -> None:
    frames = torch.arange(12).view(2, 2, 3)
    assert torch.equal(as_map(frames.flatten(), (2, 2, 3)), torch.cat([frames[0], frames[1]], dim=1))
    assert torch.equal(as_map(frames[0].flatten(), (2, 3)), frames[0])
