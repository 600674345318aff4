"""The search, on a made-up model whose best methods are known."""

from __future__ import annotations

from random import Random

import pytest

from tokred.tuning import Candidate, Trial, search
from tokred.tuning.halving import front, ranked

STEPS = 16
WORTH = Random(1).sample(range(100), STEPS)


def made_up(candidate: Candidate, samples: int) -> Trial:
    """Dense steps cost, some are worth more than others; few samples tell a little too much."""
    dense = [place for place, step in enumerate(candidate.program) if step in "DM"]
    return Trial(candidate, len(dense) / STEPS, sum(WORTH[place] for place in dense) + 1 / samples, samples)


def found(**params: int) -> list[Trial]:
    given = {"candidates": 60, "samples": 2, "most": 8, "seed": 0} | params
    return list(search(made_up, steps=STEPS, **given))


def test_each_rung_takes_a_third_to_twice_the_samples() -> None:
    trials = found()
    counts = [sum(trial.samples == samples for trial in trials) for samples in (2, 4, 8)]
    assert counts == [60, 20, 6]
    assert [trial.samples for trial in trials] == [2] * 60 + [4] * 20 + [8] * 6


def test_the_last_rung_has_as_many_samples_as_asked_for() -> None:
    assert {trial.samples for trial in found(most=6)} == {2, 4, 6}
    assert {trial.samples for trial in found(samples=4, most=4)} == {4}


def test_no_candidate_is_tried_twice_on_a_rung() -> None:
    first = [trial.candidate for trial in found() if trial.samples == 2]
    assert len(set(first)) == len(first)


def test_what_goes_on_is_what_is_ranked_best() -> None:
    trials = found()
    first = [trial for trial in trials if trial.samples == 2]
    second = [trial.candidate for trial in trials if trial.samples == 4]
    assert second == [trial.candidate for trial in ranked(first)[:20]]


def test_neighbours_find_more_than_draws_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def reached() -> float:
        trials = (found(seed=seed, candidates=200, most=2) for seed in range(5))
        return sum(max(t.quality for t in each if t.compute <= 0.5) for each in trials)

    searched = reached()
    monkeypatch.setattr("tokred.tuning.halving.DRAWN", 1.0)
    assert searched > reached()


def test_the_same_seed_gives_the_same_search() -> None:
    assert found(seed=3) == found(seed=3)
    assert found(seed=3) != found(seed=4)


def test_a_small_space_ends_the_search() -> None:
    trials = list(search(made_up, steps=2, candidates=10_000, samples=1, most=1, seed=0))
    assert len(trials) < 10_000


def test_front_and_ranking_by_brute_force() -> None:
    random = Random(0)
    candidate = found()[0].candidate
    for _ in range(200):
        trials = [Trial(candidate, random.randint(1, 6) / 6, random.randint(1, 6), n) for n in range(9)]
        rest, expected = list(trials), []
        while rest:
            on_front = []
            for one in rest:
                beaten = any(
                    (o.compute <= one.compute and o.quality >= one.quality)
                    and ((o.compute, o.quality) != (one.compute, one.quality) or rest.index(o) < rest.index(one))
                    for o in rest
                    if o is not one
                )
                if not beaten:
                    on_front.append(one)
            expected += sorted(on_front, key=lambda t: t.compute)
            rest = [t for t in rest if t not in on_front]
        assert ranked(trials) == expected
        assert front(trials) == expected[: len(front(trials))]
