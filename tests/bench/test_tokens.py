"""The map shows the first sample's tokens, in their places."""

from __future__ import annotations

import torch
from bench.tiny import TinySubject

import tokred
from tokred.bench.tokens import TokenMap, as_map, token_map


def test_a_map_of_the_middle_site(subject: TinySubject) -> None:
    with tokred.apply(subject.model, "dito", ratio=0.5) as run:
        assert token_map(run) is None
        subject.generate([3, 4], 4)
        shown = token_map(run)
        assert shown is not None
        assert shown.site == run.sites[2] == "transformer_blocks.1.attn1"
        assert shown.kept.shape == (8, 8)
        assert shown.kept.flatten().nonzero()[:, 0].tolist() == run.kept_tokens()[shown.site]


def test_nothing_removed_is_no_map(subject: TinySubject) -> None:
    run = tokred.apply(subject.model, "dito", ratio=0.0)
    subject.generate([3], 4)
    assert token_map(run) is None
    run.remove()


def test_removed_tokens_are_dark() -> None:
    kept = torch.tensor([[True, False], [False, True]])
    dark = TokenMap("a", kept).over(torch.ones(3, 4, 6))
    assert dark.shape == (3, 4, 6)
    assert dark[:, :2, :3].eq(1).all()
    assert dark[:, 2:, 3:].eq(1).all()
    assert dark[:, :2, 3:].lt(0.5).all()
    assert dark[:, 2:, :3].lt(0.5).all()


def test_frames_of_a_video_lie_side_by_side() -> None:
    frames = torch.arange(12).view(2, 2, 3)
    assert torch.equal(as_map(frames.flatten(), (2, 2, 3)), torch.cat([frames[0], frames[1]], dim=1))
    assert torch.equal(as_map(frames[0].flatten(), (2, 3)), frames[0])
