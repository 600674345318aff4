"""A search that was stopped goes on and finds what one finds that was not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from bench.tiny import TinySubject

from tokred.bench import Journal
from tokred.tuning import Effort, Target, find_finalists

EFFORT = Effort(candidates=9, samples=1, most=2)
TARGET = Target(time=0.8)


class Stopping(TinySubject):
    """Is stopped at one of its generations."""

    def __init__(self, at: int | None = None) -> None:
        super().__init__()
        self.at = at

    def generate(self, seeds: Sequence[int], steps: int) -> torch.Tensor:
        if len(self.asked) == self.at:
            raise KeyboardInterrupt
        return super().generate(seeds, steps)


def found(subject: TinySubject, journal: Journal | None = None) -> list[str]:
    finalists = find_finalists(subject, 5, TARGET, EFFORT, 2, lambda trial: None, journal)
    return [contender.label for contender in finalists]


def test_a_search_that_was_stopped_is_resumed(tmp_path: Path) -> None:
    whole, first, second = Stopping(), Stopping(at=9), Stopping()
    expected = found(whole)
    with pytest.raises(KeyboardInterrupt):
        found(first, Journal(tmp_path))
    assert found(second, Journal(tmp_path, "resume")) == expected
    assert EFFORT.most < len(second.asked) == len(whole.asked) - (9 - EFFORT.most)
