"""Candidates can be built, and their neighbours are candidates too."""

from __future__ import annotations

import itertools
from random import Random

import pytest

from tokred import SpecError
from tokred.tuning import Candidate, Ranked, neighbour
from tokred.tuning.space import RATIOS

PLAIN = Candidate(("D", "1"), (2, 2), 1, "one", "output", "full")


def by_rule(steps: tuple[str, ...]) -> tuple[str, ...]:
    """Which dense steps match: those whose pairs a later step uses before the next dense one."""
    program = ["D", *("D" if step == "M" else step for step in steps[1:])]
    for place, step in enumerate(program):
        following = itertools.takewhile(lambda other: other not in "DM", program[place + 1 :])
        if step == "D" and any(other != "1" for other in following):
            program[place] = "M"
    return tuple(program)


def test_neighbours_are_candidates_of_the_space_too() -> None:
    random = Random(0)
    candidate, seen = Candidate.of(Ranked((True, False) * 5, 1, 30.0)), set()
    for _ in range(2000):
        candidate = neighbour(random, candidate)
        assert candidate.program == by_rule(candidate.program)
        ratios = set(candidate.program) - {"D", "M", "1"}
        assert len(ratios) <= 1
        assert all((float(ratio), candidate.stride) in RATIOS for ratio in ratios)
        seen.add(candidate)
    assert len(seen) > 1000


def test_a_candidate_is_a_registered_method() -> None:
    cache = PLAIN.doing(["D", "D", "1"])
    assert (cache.reduces, cache.saves) == (False, True)
    assert cache.contender().label == "step_cache program=D D 1 order=1"
    delta = PLAIN.doing(["D", "D", "0.5", "1"])
    assert delta.program == ("D", "M", "0.5", "1")
    assert delta.contender().label == "delta program=D M 0.5 1 order=1 stride=2x2 gain=one signal=output keys=full"


def test_of_a_schedule_that_skips_only_the_order_is_another_choice() -> None:
    random, candidate = Random(0), PLAIN.doing(["D", "D", "1", "1"])
    for _ in range(200):
        other = neighbour(random, candidate)
        assert other == candidate or other.contender().label != candidate.contender().label


def test_a_signal_that_needs_a_past_needs_a_dense_step_before_the_match() -> None:
    early = Candidate(("D",), (2, 2), 1, "one", "drift", "full").doing(["D", "0.5"])
    with pytest.raises(SpecError, match="dense step come before"):
        early.contender()
