"""Matching needs memory that is linear in the number of tokens."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

import pytest
import torch

from tokred import Layout
from tokred.parts import Cosine, FrequencyPenalty, GridMatcher

MB = 1e6
LAYOUT = Layout(((128, 128),))
TOKENS, WIDTH = 16_384, 64
SCORES = TOKENS * 3 / 4 * TOKENS / 4 * 4 / MB
"""What all scores of 2 by 2 cells would take at once, in MB."""


def peak(work: Callable[[], object]) -> float:
    """Return the most memory that `work` held at a time on top of what there was, in MB: all that PyTorch allocates."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        work()
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    sizes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return max(accumulate(sizes)) / MB


@pytest.fixture
def match() -> Callable[[], object]:
    matcher = GridMatcher(penalty=FrequencyPenalty(source=0.1, destination=0.1))
    x = torch.randn(1, TOKENS, WIDTH, generator=torch.Generator().manual_seed(0))
    memory = {name: torch.zeros(shape) for name, shape in matcher.state_spec((1, TOKENS)).items()}
    draw = matcher.draw(LAYOUT, TOKENS // 2, torch.Generator().manual_seed(0))
    return lambda: matcher.match(x, draw, TOKENS // 2, Cosine(), memory)


def test_matching_16384_tokens_adds_less_than_64_mb(match: Callable[[], object]) -> None:
    assert peak(match) < 64


def test_a_matrix_of_all_scores_would_be_seen(match: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokred.parts.pairing.CHUNK_SCORES", 2**40)
    assert peak(match) > SCORES > 200
    assert peak(lambda: torch.zeros(1000, 1000).sum()) == pytest.approx(4, rel=0.01)
