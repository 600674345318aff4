"""A denoising loop, timed step by step, densely or reduced."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from clock import by_phase, milliseconds, peak_bytes, reset_peak
from configs import RealModel
from subject import Subject
from tokred import Method, Run
from tokred.bench.contender import Contender, parse_contenders

STEPS = {"full": 20, "tiny": 8}
"""Of a generation."""
FIRST_STEPS = 8
"""Of a loop that prepares for the timed ones: each phase of the standard methods at least once."""
ROUNDS = {"full": 5, "tiny": 1}
ENOUGH_SECONDS = 1.0
"""After which no further round is begun."""


METHODS = ("dito", "tomesd", "random")
"""Methods that are measured: those that compile into whole graphs on every family."""


def methods(model: RealModel) -> list[Contender]:
    """List the standard runs of the methods that fit; a classifier has no steps to reuse anything in."""
    known = [(contender, contender.entrant) for contender in parse_contenders(METHODS)]
    return [c for c, m in known if isinstance(m, Method) and not (model.family == "vit" and m.scheduler.reuses)]


def first_loop(subject: Subject, call: Callable[..., Any] | None = None) -> list[torch.Tensor]:
    """Run the first steps of a generation and return copies of their tensors: CUDA graphs write the next over them."""
    return [subject.step(index, call).clone() for index in range(FIRST_STEPS)]


def timed(subject: Subject, run: Run | None, sizes: str, call: Callable[..., Any] | None = None) -> dict[str, Any]:
    """Time whole generations, step by step.

    Args:
        subject: what runs.
        run: the method applied to it; None for dense.
        sizes: "full" or "tiny".
        call: see `Subject.step`.

    Returns:
        tokens: image tokens of one sample.
        ms: times of the steps, by what is done in them.
        generation_ms: the median time of all steps together.
        compute: share of the model's operations that a generation computes, without matching.
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
    report = run.report() if run else None
    saved = report.dense_flops - report.flops if report else 0.0
    return {
        "tokens": subject.tokens,
        "ms": by_phase(phases(run, steps), rounds),
        "generation_ms": statistics.median(map(sum, rounds)),
        "compute": 1 - saved / (steps * subject.flops),
        "unplanned": report.unplanned if report else 0,
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
