"""What is searched: how a candidate is drawn, and what is next to it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tokred.tuning.candidate import DENSE, SKIP, Candidate

RATIOS = ((0.5, (2, 2)), (0.75, (2, 2)), (0.875, (4, 4)), (0.9375, (4, 4)))
"""Ratios of the steps that reduce, each with the stride of its cells."""
CHOICES = {
    "order": (0, 1, 2),
    "gain": ("one", "fitted"),
    "signal": ("output", "error", "drift"),
    "keys": ("full", "recovered"),
}
"""Values of the other parameters."""
MOST_FIRST = 0.4
"""The greatest share of the steps that are dense at the start of a drawn program."""
GAPS = (1, 1, 2, 2, 3, 4)
"""Steps between two dense ones; those that stand twice are drawn twice as often."""
SHARES_REDUCED = (0.0, 0.5, 1.0)
"""How many of the steps between dense ones reduce; the others skip."""


def draw(random: Random, steps: int) -> Candidate:
    """Draw a candidate: dense steps at the start, then gaps of one length and of another, then dense steps again."""
    ratio, stride = random.choice(RATIOS)
    share = random.choice(SHARES_REDUCED)
    first, last = random.randint(1, max(2, round(MOST_FIRST * steps))), random.choice((0, 0, 1, 2))
    gaps, change = random.choices(GAPS, k=2), random.random() * steps
    program = [DENSE] * first
    while len(program) < steps - last:
        gap = gaps[len(program) > change]
        program += [f"{ratio:g}" if random.random() < share else SKIP for _ in range(gap)] + [DENSE]
    program = program[: steps - last] + [DENSE] * last
    choices = {name: random.choice(values) for name, values in CHOICES.items()}
    return Candidate(tuple(program), stride, **choices).doing(program[:steps])  # type: ignore[arg-type]


def neighbour(random: Random, candidate: Candidate) -> Candidate:
    """Return a candidate that differs in one step, in the order of two steps, in the ratio or in another parameter."""
    kinds = [_other_step, _other_order, _other_choice, *([_other_ratio] if candidate.reduces else [])]
    return random.choice(kinds)(random, candidate)


def _other_step(random: Random, candidate: Candidate) -> Candidate:
    program = list(candidate.program)
    ratios = sorted(set(program) - {DENSE, "M", SKIP}) or [f"{random.choice(RATIOS)[0]:g}"]
    place = random.randrange(1, len(program))
    program[place] = random.choice([DENSE, SKIP, ratios[0]])
    return _fitting(candidate.doing(program))


def _other_order(random: Random, candidate: Candidate) -> Candidate:
    program = list(candidate.program)
    place = random.randrange(1, len(program))
    program[place - 1], program[place] = program[place], program[place - 1]
    return candidate.doing(program)


def _other_ratio(random: Random, candidate: Candidate) -> Candidate:
    ratio, stride = random.choice(RATIOS)
    kept = (DENSE, "M", SKIP)
    return replace(candidate, stride=stride).doing([s if s in kept else f"{ratio:g}" for s in candidate.program])


def _other_choice(random: Random, candidate: Candidate) -> Candidate:
    name = random.choice(list(CHOICES))
    return replace(candidate, **{name: random.choice(CHOICES[name])})  # type: ignore[arg-type]


def _fitting(candidate: Candidate) -> Candidate:
    """Return the candidate with the stride of its ratio."""
    strides = {f"{ratio:g}": stride for ratio, stride in RATIOS}
    return replace(candidate, stride=next((strides[s] for s in candidate.program if s in strides), candidate.stride))
