"""A denoising loop, timed step by step, densely or reduced."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from clock import by_phase, milliseconds, peak_bytes, reset_peak
from tokred import Run
from tokred.bench.contender import Contender, parse_contenders
from tokred.bench.measure import count_flops
from tokred.estimation.models import RealModel
from tokred.estimation.workbench import Loop

STEPS = {"full": 20, "tiny": 8}
"""Of a generation."""
FIRST_STEPS = 8
"""Of a loop that is compared, or prepares for timed ones: each phase of a method at least once."""
ROUNDS = {"full": 5, "tiny": 1}
ENOUGH_SECONDS = 1.0
"""After which no further round is begun."""


def methods(model: RealModel, drawing: Sequence[str], classifying: Sequence[str]) -> list[Contender]:
    """Read the methods that a model is measured with: a classifier has no steps to reuse anything in."""
    return parse_contenders(classifying if model.family == "vit" else drawing)


def first_loop(subject: Loop, call: Callable[..., Any] | None = None) -> list[torch.Tensor]:
    """Run the first steps of a generation and return copies of their tensors: CUDA graphs write the next over them."""
    return [subject.step(index, call).clone() for index in range(FIRST_STEPS)]


def counted(subject: Loop) -> int:
    """Run a generation, which warms up every phase too, and count its operations."""
    return count_flops(lambda: [subject.step(index) for index in range(len(subject.moments))])


def timed(
    subject: Loop, run: Run | None, flops: int, sizes: str, call: Callable[..., Any] | None = None
) -> dict[str, Any]:
    """Time whole generations, step by step.

    Args:
        subject: what runs.
        run: the method applied to it; None for dense.
        flops: operations of a generation.
        sizes: "full" or "tiny".
        call: see `Loop.step`.

    Returns:
        tokens: image tokens of one sample.
        ms: times of the steps, by what is done in them.
        generation_ms: the median time of all steps together.
        compute: operations over those of a dense generation.
        unplanned: how often something could not be reduced as planned.
        peak_bytes: see `clock.peak_bytes`.
    """
    device, steps = next(subject.model.parameters()).device, len(subject.moments)
    calls = [partial(subject.step, index, call) for index in range(steps)]
    reset_peak(device)
    rounds: list[list[float]] = []
    begin = time.monotonic()
    while not rounds or (len(rounds) < ROUNDS[sizes] and time.monotonic() - begin < ENOUGH_SECONDS):
        rounds.append(milliseconds(calls, device))
    return {
        "tokens": subject.tokens,
        "ms": by_phase(phases(run, steps), rounds),
        "generation_ms": statistics.median(map(sum, rounds)),
        "compute": flops / (steps * subject.flops),
        "unplanned": run.report().unplanned if run else 0,
        "peak_bytes": peak_bytes(device),
    }


def phases(run: Run | None, steps: int) -> list[str]:
    """Return what was done in each step of the last generation: "dense", "match", "reduce" or "match+reduce"."""
    if run is None:
        return ["dense"] * steps
    seen: dict[int, set[str]] = defaultdict(set)
    for call in run.report().calls:
        seen[call.position.step].add(call.phase.value)
    return [" and ".join(sorted(seen[index])) for index in range(steps)]
