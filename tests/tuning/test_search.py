"""The search, on a made-up model whose best methods are known."""

from __future__ import annotations

from random import Random

from tokred.tuning import Candidate, Ranked, Target, Trial, search
from tokred.tuning.search import front, ranked

STEPS = 16
WORTH = [value / 5 for value in Random(1).sample(range(100), STEPS)]
TARGET = Target(time=0.6)


def worth(dense: tuple[bool, ...]) -> float:
    return sum(value for value, is_dense in zip(WORTH, dense, strict=True) if is_dense)


def made_up(candidate: Candidate, samples: int) -> Trial:
    """Dense steps cost, some are worth more than others; few samples tell a little too much."""
    dense = tuple(step in "DM" for step in candidate.program)
    return Trial(candidate, sum(dense) / STEPS, (worth(dense) + 1 / samples,) * samples)


def proposals(seed: int, number: int = 200) -> list[Ranked]:
    """Schedules whose worth is known but for some noise and an error that all have."""
    random, made = Random(seed), {}
    while len(made) < number:
        dense = (True, *(random.random() < 0.4 for _ in range(STEPS - 1)))
        made[dense] = Ranked(dense, 1, worth(dense) + random.gauss(0, 3) - 50)
    return list(made.values())


def found(seed: int = 0, target: Target = TARGET, proposed: int = 200, **params: int) -> list[Trial]:
    given = {"candidates": 60, "samples": 2, "most": 8} | params
    return list(search(made_up, proposals(seed, proposed), target, seed=seed, **given))


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
    assert second == [trial.candidate for trial in ranked(first, TARGET)[:20]]


def test_what_is_proposed_is_nearest_to_the_target() -> None:
    first = [trial.compute for trial in found() if trial.samples == 2][:40]
    assert max(first) <= 0.6
    assert min(first) >= sorted(each.compute for each in proposals(0) if each.compute <= 0.6)[-40]


def test_an_error_that_all_expectations_have_is_learned() -> None:
    first = [trial.mean for trial in found(target=Target(psnr=55)) if trial.samples == 2][:40]
    off = [abs(value - 55) for value in first]
    assert off[0] > 30
    assert sum(off[5:15]) / 10 < 15


def test_neighbours_are_tried_of_the_best_so_far() -> None:
    first = [trial for trial in found(proposed=45) if trial.samples == 2]
    for place, trial in enumerate(first[40:], start=40):
        nearest = front(first[:place], TARGET)[:3]
        assert any(_differences(trial.candidate, other.candidate) <= 2 for other in nearest)


def _differences(one: Candidate, other: Candidate) -> int:
    """Steps that differ, but for whether a dense one matches."""
    steps = zip(one.program, other.program, strict=True)
    return sum(a.replace("M", "D") != b.replace("M", "D") for a, b in steps)


def test_the_same_seed_gives_the_same_search() -> None:
    assert found(seed=3) == found(seed=3)
    assert found(seed=3) != found(seed=4)


def test_a_small_space_ends_the_search() -> None:
    small = [Ranked((True, False), order, 1.0) for order in range(3)]

    def trial(candidate: Candidate, samples: int) -> Trial:
        return Trial(candidate, 0.5, (1.0,) * samples)

    assert len(list(search(trial, small, TARGET, candidates=10_000, samples=1, most=1, seed=0))) < 10_000


def test_front_and_ranking_by_brute_force() -> None:
    random = Random(0)
    candidate = found()[0].candidate
    for _ in range(200):
        trials = [Trial(candidate, random.randint(1, 6) / 6, (random.randint(1, 6),) * (n + 1)) for n in range(9)]
        rest, expected = list(trials), []
        while rest:
            on_front = []
            for one in rest:
                beaten = any(
                    (o.compute <= one.compute and o.mean >= one.mean)
                    and ((o.compute, o.mean) != (one.compute, one.mean) or rest.index(o) < rest.index(one))
                    for o in rest
                    if o is not one
                )
                if not beaten:
                    on_front.append(one)
            expected += sorted(on_front, key=lambda t: (abs(t.mean - 3), t.compute))
            rest = [t for t in rest if t not in on_front]
        assert ranked(trials, Target(psnr=3)) == expected
        assert front(trials, Target(psnr=3)) == expected[: len(front(trials, Target(psnr=3)))]
