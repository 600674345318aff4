"""What is next to a candidate: the moves that a ranking of schedules cannot judge among them."""

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
    name = random.choice(list(CHOICES) if candidate.reduces else ["order"])
    return replace(candidate, **{name: random.choice(CHOICES[name])})  # type: ignore[arg-type]


def _fitting(candidate: Candidate) -> Candidate:
    """Return the candidate with the stride of its ratio."""
    strides = {f"{ratio:g}": stride for ratio, stride in RATIOS}
    return replace(candidate, stride=next((strides[s] for s in candidate.program if s in strides), candidate.stride))
